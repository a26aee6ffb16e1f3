"""`sidelight explainers` (the service) and `sidelight explain` (one row of a file)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sidelight.command.options import Config

app = typer.Typer()


class Protocol(StrEnum):
    """Protocols a predictor may speak, by KServe's names."""

    v1 = "v1"
    v2 = "v2"
    grpc = "grpc-v2"


class Format(StrEnum):
    """How an explanation is printed."""

    table = "table"
    json = "json"


@app.command()
def explainers(
    config: Config = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT to listen on.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Reference rows of --model_name: CSV or Parquet.")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="The model's inputs among the columns of --reference: a,b,c. Without it every "
            "column is one, so leave the answers out of the file.",
            show_default=False,
        ),
    ] = None,
    model_name: Annotated[
        str | None, typer.Option("--model_name", help="KServe's: the model to explain.")
    ] = None,
    predictor_host: Annotated[
        str | None, typer.Option("--predictor_host", help="KServe's: the predictor's HOST[:PORT].")
    ] = None,
    predictor_protocol: Annotated[
        Protocol, typer.Option("--predictor_protocol", help="KServe's: what the predictor speaks.")
    ] = Protocol.v1,
    http_port: Annotated[
        int | None, typer.Option("--http_port", help="KServe's: listen here on every interface.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Requests explained at one time.")] = None,
) -> None:
    """Serve explanations: POST /v1/models/NAME:explain, POST /v2/models/NAME/explain."""
    from sidelight_explainers.serving import kserve_flags, serve

    flags: dict[tuple[str, ...], Any] = {
        ("explainers", "listen"): listen if http_port is None else f"0.0.0.0:{http_port}",
        ("explainers", "workers"): workers,
    }
    names = [name.strip() for name in (features or "").split(",") if name.strip()]
    if model_name is not None:
        flags |= kserve_flags(model_name, predictor_host, predictor_protocol, reference, names)
    serve(config, flags)


@app.command()
def explain(
    file: Annotated[Path, typer.Argument(help="Rows: CSV or Parquet.", show_default=False)],
    row: Annotated[int, typer.Option(min=0, help="The row to explain; the first is 0.")],
    model: Annotated[
        str | None, typer.Option(help="The model's name; not needed when there is only one.")
    ] = None,
    config: Config = None,
    output_format: Annotated[Format, typer.Option("--format")] = Format.table,
    output: Annotated[str | None, typer.Option(help="The output, NAME or NAME[INDEX].")] = None,
    budget: Annotated[int | None, typer.Option(help="Rows the predictor may be asked for.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds the orders of the features.")] = None,
) -> None:
    """Explain one row of a file by the configured predictor."""
    from sidelight_explainers.rows import explain_row, json_text
    from sidelight_explainers.text import plain_text

    told = {"output": output, "budget": budget, "seed": seed}
    wishes = {name: value for name, value in told.items() if value is not None}
    explanation = explain_row(config, file, row, model, wishes)
    typer.echo(json_text(explanation) if output_format is Format.json else plain_text(explanation))
