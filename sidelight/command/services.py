"""The services' own commands, found through entry points and put under one root.

A service adds a `typer.Typer` under the group ``sidelight.commands``; its name tells which
extra it needs (`extras.extra_of`). Its module must be light: `sidelight --help` imports it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.models import CommandInfo

from sidelight.command import extras

GROUP = "sidelight.commands"
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def add_services(root: typer.Typer) -> None:
    """Put every command of every service under the root."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        for command in _commands(entry):
            command.context_settings = {**HELP_OPTIONS, **(command.context_settings or {})}
            root.registered_commands.append(command)


def _commands(entry: EntryPoint) -> list[CommandInfo]:
    extra = extras.extra_of(entry.name)
    try:
        service: typer.Typer = entry.load()
    except ImportError as exc:
        return [_absent(entry.name, extras.refused(extra, exc))]
    for command in service.registered_commands:
        if command.callback is not None:
            command.callback = _needing(extra, command.callback)
    return service.registered_commands


def _needing(extra: str, callback: Callable[..., Any]) -> Callable[..., Any]:
    """The command, which says what to install when an import of its own fails."""

    @functools.wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except ModuleNotFoundError as exc:
            raise extras.refused(extra, exc) from exc

    return run


def _absent(name: str, cause: ImportError) -> CommandInfo:
    """Stands in the help for a service that cannot be imported, and says why when it is run."""

    def run() -> None:
        raise cause

    return CommandInfo(
        name=name,
        callback=run,
        help=f"Not installed: {cause}",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
