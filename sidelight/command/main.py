"""`sidelight`: the shared commands, the services' commands, and how errors end."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from sidelight import __version__
from sidelight.command import check, demo, log, topics, up
from sidelight.command.services import HELP_OPTIONS, add_services
from sidelight.ending import told
from sidelight.errors import SidelightError

INTERRUPTED = 130


def main() -> None:
    """Run the command; errors that Sidelight raises on purpose become one line and an exit code."""
    try:
        application()(prog_name="sidelight")
    except SidelightError as exc:
        sys.exit(told(exc))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        _flush()


def application() -> typer.Typer:
    """The whole command, with those of every installed service."""
    root = typer.Typer(
        help="Watch and explain models in production.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings=HELP_OPTIONS,
    )
    root.callback()(_root)
    root.command("demo", context_settings=HELP_OPTIONS)(demo.demo)
    root.command("up", context_settings=HELP_OPTIONS)(up.up)
    root.command("check", context_settings=HELP_OPTIONS)(check.check)
    root.command("log", context_settings=HELP_OPTIONS)(log.log)
    root.command("topics", context_settings=HELP_OPTIONS)(topics.topics)
    add_services(root)
    return root


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sidelight {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Watch and explain models in production."""


def _flush() -> None:
    """Write what is buffered; a reader that has gone (``| head``) is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
