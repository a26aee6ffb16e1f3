"""`sidelight explainers` (the service) and `sidelight explain` (rows of a file or of the log)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sidelight.command.options import Config
from sidelight_explainers.service.command import KServesArguments, explainers

app = typer.Typer()
app.command(cls=KServesArguments)(explainers)


class Format(StrEnum):
    """How an explanation is printed."""

    table = "table"
    json = "json"


@app.command()
def explain(
    file: Annotated[
        Path | None,
        typer.Argument(help="Rows: CSV, Parquet or npz.", show_default=False),
    ] = None,
    row: Annotated[
        list[int] | None,
        typer.Option(min=0, help="A row to explain, the first is 0; several times for several."),
    ] = None,
    exchange: Annotated[
        str | None, typer.Option(help="Instead of FILE: what was logged, by its id or address.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model's name; not needed when there is only one.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="How to explain; the model's first when not given.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the method; several times."),
    ] = None,
    config: Config = None,
    output_format: Annotated[Format, typer.Option("--format")] = Format.table,
    html: Annotated[Path | None, typer.Option(help="Write the picture as HTML.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write the picture as SVG.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the picture as PNG.")] = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Also measure how good the explanation is.")
    ] = False,
    output: Annotated[str | None, typer.Option(help="The output, NAME or NAME[INDEX].")] = None,
    budget: Annotated[int | None, typer.Option(help="Rows the predictor may be asked for.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds all that is drawn.")] = None,
) -> None:
    """Explain rows of a file or of the log, or the whole model, by the configured predictor."""
    from sidelight_explainers.terminal.explain import Order, run
    from sidelight_explainers.terminal.rows import Source
    from sidelight_explainers.terminal.showing import Files
    from sidelight_explainers.terminal.told import told_options

    told = {"method": method, "output": output, "budget": budget, "seed": seed}
    wishes = {name: value for name, value in told.items() if value is not None}
    wishes |= told_options(option or [])
    order = Order(
        Source(file, exchange, tuple(row or ())),
        wishes,
        Files(html, svg, png),
        evaluate,
        output_format is Format.json,
    )
    for text in run(config, model, order):
        typer.echo(text)
