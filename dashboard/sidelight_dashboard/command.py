"""The commands of the dashboard: `dashboard`, `report`."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sidelight.command.options import Config

app = typer.Typer()

FOUND = 3
"""The exit code when something was found that `--fail-on` names."""


class Finding(StrEnum):
    """What a report may fail on."""

    alarm = "alarm"


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


@app.command()
def report(
    out: Annotated[Path, typer.Option(help="The HTML file to write.", show_default=False)],
    model: Annotated[str, typer.Option(help="Only this model.", show_default="all")] = "",
    version: Annotated[
        str | None, typer.Option(help="A version of it.", show_default="the newest")
    ] = None,
    begin: Annotated[
        str, typer.Option("--from", help="Since then: 2026-11-23T08:00:00Z; UTC without a zone.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="Up to and with then.")] = "",
    last: Annotated[
        str,
        typer.Option(help="Instead of --from: 15m, 6h, 7d.", show_default="the last day of rows"),
    ] = "",
    alarm: Annotated[str, typer.Option(help="Only the alarm of this id, in its own time.")] = "",
    fail_on: Annotated[
        Finding | None, typer.Option(help="Exit 3 when the report tells of an alarm.")
    ] = None,
    config: Config = None,
) -> None:
    """Write what the dashboard's pages tell into one HTML file, which needs nothing beside it.

    Example: sidelight report --model income --last 7d --out report.html
    """
    from sidelight.config import load
    from sidelight.redaction.references import as_logged
    from sidelight_dashboard.chosen import Asked
    from sidelight_dashboard.report.opening import opened
    from sidelight_dashboard.report.wanted import Wanted
    from sidelight_dashboard.report.writing import write

    settings = as_logged(load(config).settings)
    wanted = Wanted(model, Asked(version, "", begin, end, last), alarm)
    with opened(settings) as showing:
        alarms = write(showing, wanted, time.time_ns(), out)
    typer.echo(f"{out}: {len(alarms)} alarms" if len(alarms) != 1 else f"{out}: 1 alarm")
    if alarms and fail_on is Finding.alarm:
        raise typer.Exit(FOUND)
