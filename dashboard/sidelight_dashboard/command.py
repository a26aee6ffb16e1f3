"""The commands of the dashboard: `dashboard`, `report`."""

from __future__ import annotations

from typing import Annotated

import typer

from sidelight.command.options import Config

app = typer.Typer()


@app.command()
def dashboard(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address of the pages, such as 127.0.0.1:9084.")
    ] = None,
) -> None:
    """Show what the detectors say, and why, as a web page.

    Example: sidelight dashboard --config sidelight.yaml
    """
    from sidelight import telemetry
    from sidelight.config import load
    from sidelight.redaction.references import as_logged
    from sidelight_dashboard.serving import run_service

    given = {} if listen is None else {"dashboard.listen": listen}
    settings = as_logged(load(config, given).settings)
    telemetry.configure("dashboard")
    run_service(settings)
