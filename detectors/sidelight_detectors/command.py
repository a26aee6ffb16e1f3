"""The commands of the detectors: `detectors`, `fit`, `score`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight.command.options import Config
from sidelight.errors import ConfigError, NotEnoughData

if TYPE_CHECKING:
    from sidelight_detectors.files.scoring import FileReport

app = typer.Typer()

FOUND = 3
"""The exit code when something was found that `--fail-on` names."""


class Format(StrEnum):
    """How a report is printed."""

    json = "json"
    table = "table"


@app.command()
def detectors(config: Config = None) -> None:
    """Watch the log's traffic: score it, decide, say results and alarms, serve metrics."""
    from sidelight import telemetry
    from sidelight.config import load
    from sidelight_detectors.service.serving import run_service

    settings = load(config).settings
    telemetry.configure("detectors")
    run_service(settings)


@app.command()
def fit(
    config: Config = None,
    model: Annotated[
        str | None, typer.Option(help="Only this model.", show_default="all that have a detector")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The .npz file to write, for one model.")] = None,
) -> None:
    """Fit references now, so that the service finds them ready."""
    from sidelight.config import load
    from sidelight_detectors.service.fitting import fit_all

    for fitted in fit_all(load(config).settings, model, out):
        typer.echo(f"{fitted.model}: {fitted.rows} rows, plan {fitted.plan[:12]}, {fitted.path}")


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="Rows: a CSV or Parquet file.", show_default=False)],
    model: Annotated[
        str | None, typer.Option(help="The model's name; not needed when only one is watched.")
    ] = None,
    config: Config = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    fail_on: Annotated[
        str, typer.Option(help="Exit 3 when found: drift, outlier, or drift,outlier.")
    ] = "",
) -> None:
    """Score the rows of a file as the service would score traffic.

    Example: sidelight score rows.csv --model income --fail-on drift
    """
    wanted = _wanted(fail_on)
    from sidelight.config import load
    from sidelight_detectors.drift.judge import MIN_ROWS
    from sidelight_detectors.files.report import as_json, as_table
    from sidelight_detectors.files.scoring import score_rows
    from sidelight_detectors.reference import load_reference
    from sidelight_detectors.service.fitting import fitted_model, folder_of, watched_models

    settings = load(config).settings
    models = watched_models(settings, model)
    if len(models) > 1:
        raise ConfigError(f"{file}: name one of {', '.join(models)} with --model")
    ((name, chosen),) = models.items()
    fitted = fitted_model(name, chosen, folder_of(settings))
    _refuse_undetected(name, {"drift": fitted.drift, "outlier": fitted.settings.outlier}, wanted)
    report = score_rows(name, fitted, load_reference(file))
    typer.echo(as_json(report) if format is Format.json else as_table(report))
    if _found(report) & wanted:
        raise typer.Exit(FOUND)
    if "drift" in wanted and not report.windows:
        raise NotEnoughData(
            f"{file}: {report.rows} rows are too few to judge drift; at least {MIN_ROWS} are needed"
        )


def _wanted(fail_on: str) -> set[str]:
    wanted = {name.strip() for name in fail_on.split(",") if name.strip()}
    if unknown := wanted - {"drift", "outlier"}:
        raise typer.BadParameter(
            f"{min(unknown)!r} is none of drift, outlier", param_hint="--fail-on"
        )
    return wanted


def _refuse_undetected(model: str, detectors: Mapping[str, object], wanted: set[str]) -> None:
    for name in sorted(wanted):
        if detectors[name] is None:
            raise ConfigError(
                f"--fail-on {name}: model {model!r} has no {name} detector; "
                f"name it under models.{model}.detectors"
            )


def _found(report: FileReport) -> set[str]:
    found = {"drift": report.drift_found, "outlier": report.outlier_found}
    return {name for name, is_found in found.items() if is_found}
