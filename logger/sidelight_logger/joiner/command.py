"""`sidelight joiner`: halves from foreign loggers become exchanges."""

from __future__ import annotations

from typing import Annotated

import typer

from sidelight.command.options import Config

app = typer.Typer()


@app.command()
def joiner(
    config: Config = None,
    source: Annotated[
        str | None, typer.Option(help="The foreign topic, such as kafka://broker:9092/knative.")
    ] = None,
) -> None:
    """Read a foreign topic of KServe's, Knative's or Seldon's events; join them to exchanges."""
    from sidelight import telemetry
    from sidelight.config import load
    from sidelight_logger.joiner.serving import run_service

    given = {} if source is None else {"joiner.source": source}
    settings = load(config, given).settings
    telemetry.configure("joiner")
    run_service(settings)
