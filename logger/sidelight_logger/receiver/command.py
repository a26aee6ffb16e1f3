"""`sidelight receiver`: takes the events of other loggers over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from sidelight.command.options import Config

app = typer.Typer()


@app.command()
def receiver(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address that events are posted to, such as 0.0.0.0:9086.")
    ] = None,
) -> None:
    """Take the events of KServe's agent, Knative, Seldon and ModelMesh over HTTP.

    'sidelight joiner' makes exchanges of them; 'sidelight up' runs both.
    """
    from sidelight import telemetry
    from sidelight.config import load
    from sidelight_logger.receiver.serving import run_service

    given = {} if listen is None else {"receiver.listen": listen}
    settings = load(config, given).settings
    telemetry.configure("receiver")
    run_service(settings)
