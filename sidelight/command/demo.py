"""`sidelight demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from sidelight.command import extras
from sidelight.errors import ConfigError


def demo(
    exit_after: Annotated[
        bool, typer.Option("--exit", help="End after the summary; exit 1 if the story failed.")
    ] = False,
    kafka: Annotated[bool, typer.Option("--kafka", hidden=True)] = False,
) -> None:
    """Show the whole on real data: a model, its traffic, a change, an alarm, an explanation."""
    if kafka:
        raise ConfigError("demo: --kafka is not available yet; leave it out to use the local log")
    try:
        from sidelight.demo.story import run
    except ModuleNotFoundError as exc:
        raise extras.refused("demo", exc) from exc
    raise typer.Exit(run(exit_after=exit_after))
