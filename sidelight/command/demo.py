"""`sidelight demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from sidelight.command import extras


def demo(
    exit_after: Annotated[
        bool, typer.Option("--exit", help="End after the summary; exit 1 if the story failed.")
    ] = False,
    kafka: Annotated[
        bool,
        typer.Option(
            "--kafka",
            help="Keep the events on Kafka: on the broker SIDELIGHT_KAFKA names (host:port), else "
            "on one started for the demo, which needs Java 17 and Maven.",
        ),
    ] = False,
) -> None:
    """Show the whole on real data: a model, its traffic, a change, an alarm, an explanation."""
    try:
        from sidelight.demo import place
        from sidelight.demo.story import run
    except ModuleNotFoundError as exc:
        raise extras.refused("demo", exc) from exc
    raise typer.Exit(run(place.kafka if kafka else place.local, exit_after=exit_after))
