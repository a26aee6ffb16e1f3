"""The commands of the detectors: `detectors`, `fit`, `score`, `replay`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight.command.options import Config
from sidelight.errors import ConfigError, NotEnoughData

if TYPE_CHECKING:
    from sidelight_detectors.fitted import Fitted

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
    from sidelight.redaction.references import as_logged
    from sidelight_detectors.service.serving import run_service

    settings = as_logged(load(config).settings)
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
    from sidelight.redaction.references import as_logged
    from sidelight_detectors.service.fitting import fit_all

    for fitted in fit_all(as_logged(load(config).settings), model, out):
        typer.echo(f"{fitted.model}: {fitted.rows} rows, plan {fitted.plan[:12]}, {fitted.path}")
        for detector, guarantee in fitted.guarantees.items():
            typer.echo(f"  {detector}: {guarantee}")


@app.command()
def score(
    file: Annotated[
        Path, typer.Argument(help="Rows: a CSV, Parquet or npz file.", show_default=False)
    ],
    model: Annotated[
        str | None, typer.Option(help="The model's name; not needed when only one is watched.")
    ] = None,
    config: Config = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    fail_on: Annotated[
        str,
        typer.Option(help="Exit 3 when one of these found something: drift,outlier,schema,bias."),
    ] = "",
) -> None:
    """Score the rows of a file as the service would score traffic.

    Example: sidelight score rows.csv --model income --fail-on drift
    """
    from sidelight.config import load
    from sidelight.redaction.references import as_logged
    from sidelight_detectors.drift.judge import MIN_ROWS
    from sidelight_detectors.files.report import as_json, as_table
    from sidelight_detectors.files.scoring import score_rows
    from sidelight_detectors.reference import reference_as_logged
    from sidelight_detectors.service.fitting import fitted_model, folder_of, watched_models

    settings = as_logged(load(config).settings)
    models = watched_models(settings, model)
    if len(models) > 1:
        raise ConfigError(f"{file}: name one of {', '.join(models)} with --model")
    ((name, chosen),) = models.items()
    fitted = fitted_model(name, chosen, folder_of(settings))
    wanted = _known(fail_on, [fitted])
    if watching := wanted.difference(fitted.at_once):
        raise ConfigError(
            f"--fail-on {min(watching)}: it watches traffic and says nothing of a file; a file can "
            f"fail on {', '.join(fitted.at_once) or 'none'}, logged traffic by `sidelight replay`"
        )
    report = score_rows(name, fitted, reference_as_logged(file, chosen))
    typer.echo(as_json(report) if format is Format.json else as_table(report))
    if report.found & wanted:
        raise typer.Exit(FOUND)
    silent = wanted.intersection(fitted.judges) - report.judging
    if report.bias_unjudged and "bias" in silent:
        raise NotEnoughData(f"{file}: bias not judged: {'; '.join(report.bias_unjudged)}")
    if silent:
        raise NotEnoughData(
            f"{file}: {report.rows} rows are too few to judge {', '.join(sorted(silent))}; "
            f"at least {MIN_ROWS} are needed"
        )


@app.command()
def replay(
    begin: Annotated[
        datetime | None,
        typer.Option("--from", help="When the first was logged, in UTC.", show_default="all"),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", help="Logged before this, in UTC.", show_default="now"),
    ] = None,
    config: Config = None,
    model: Annotated[
        str | None, typer.Option(help="Only this model.", show_default="all that have a detector")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.table,
    fail_on: Annotated[
        str, typer.Option(help="Exit 3 when these would have found something: drift,joint,schema.")
    ] = "",
) -> None:
    """Ask what this configuration would have said of traffic that is in the log.

    Example: sidelight replay --config other.yaml --from 2026-11-01 --to 2026-11-08
    """
    from sidelight.command.log import open_standing
    from sidelight.config import load
    from sidelight.redaction.references import as_logged
    from sidelight_detectors.replay.replaying import replay as replay_log
    from sidelight_detectors.replay.report import as_json, as_table
    from sidelight_detectors.replay.stretch import Between, counting, nanoseconds
    from sidelight_detectors.service.fitting import folder_of
    from sidelight_detectors.service.keeping import Keeping
    from sidelight_detectors.service.planning import fitted_plans

    settings = as_logged(load(config).settings)
    between = Between(nanoseconds(begin, 0), nanoseconds(end, time.time_ns()))
    log = open_standing(settings.log)
    try:
        plans = fitted_plans(settings, model)
        wanted = _known(fail_on, [plan.fitted for plan in plans.values()])
        tell = counting(lambda told: typer.echo(told, err=True))
        keeping = Keeping(folder_of(settings))
        replayed = replay_log(log, plans, settings.detectors, between, keeping, tell)
    finally:
        log.close()
    typer.echo(as_json(replayed) if format is Format.json else as_table(replayed))
    if any(wanted & one.found for one in replayed):
        raise typer.Exit(FOUND)
    if wanted and not any(one.rows for one in replayed):
        raise NotEnoughData(
            "--fail-on: no row was scored between --from and --to; `sidelight log inference` shows "
            "what the log holds"
        )


def _known(fail_on: str, models: Iterable[Fitted]) -> set[str]:
    """The detectors named; `ConfigError` for one that no model has."""
    wanted = {name.strip() for name in fail_on.split(",") if name.strip()}
    known = {name for fitted in models for name in fitted.detectors}
    if unknown := wanted - known:
        raise ConfigError(
            f"--fail-on {min(unknown)}: no such detector runs; there are "
            f"{', '.join(sorted(known))}; name others under models.NAME.detectors"
        )
    return wanted
