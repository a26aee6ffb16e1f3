"""`sidelight logger`: proxy, recorder and shipper beside one model server."""

from __future__ import annotations

from typing import Annotated

import typer

from sidelight.command.options import Config

app = typer.Typer()

_KSERVE = "KServe's flags"
KSERVE = "kserve"
"""The sink that `--log-url` names."""


@app.command()
def logger(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address that clients call, such as 127.0.0.1:9081.")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="The model server, such as http://127.0.0.1:8080.")
    ] = None,
    grace_seconds: Annotated[
        float, typer.Option(min=0, help="Time to finish what is in flight when stopped.")
    ] = 15.0,
    port: Annotated[
        int | None,
        typer.Option(
            help="Listen on this port of every interface, as KServe's agent does.",
            rich_help_panel=_KSERVE,
        ),
    ] = None,
    component_port: Annotated[
        int | None,
        typer.Option(help="Port of the model server on 127.0.0.1.", rich_help_panel=_KSERVE),
    ] = None,
    log_url: Annotated[
        str | None,
        typer.Option(help="HTTP address that receives the events.", rich_help_panel=_KSERVE),
    ] = None,
    log_mode: Annotated[
        str | None, typer.Option(help="all, request or response.", rich_help_panel=_KSERVE)
    ] = None,
    source_uri: Annotated[
        str | None, typer.Option(help="Source of the events.", rich_help_panel=_KSERVE)
    ] = None,
    inference_service: Annotated[
        str | None, typer.Option(help="Name of the service.", rich_help_panel=_KSERVE)
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Namespace of the service.", rich_help_panel=_KSERVE)
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Name of the revision.", rich_help_panel=_KSERVE)
    ] = None,
    component: Annotated[
        str | None,
        typer.Option(help="predictor, transformer or explainer.", rich_help_panel=_KSERVE),
    ] = None,
    metadata_headers: Annotated[
        str | None,
        typer.Option(help="Request headers to keep, with commas between.", rich_help_panel=_KSERVE),
    ] = None,
) -> None:
    """Log the payloads of one model server: forward, record, ship.

    Example: sidelight logger --listen 127.0.0.1:9081 --upstream http://127.0.0.1:8080
    """
    from sidelight_logger.running import run

    settings = {
        "logger.listen": _one("--listen", listen, "--port", _at("0.0.0.0:", port)),
        "logger.upstream": _one(
            "--upstream",
            upstream,
            "--component-port",
            _at("http://127.0.0.1:", component_port),
        ),
        f"logger.sinks.{KSERVE}.url": log_url,
        "logger.mode": log_mode,
        "logger.source": source_uri,
        "logger.inference_service": inference_service,
        "logger.namespace": namespace,
        "logger.endpoint": endpoint,
        "logger.component": component,
        "logger.headers": metadata_headers and metadata_headers.split(","),
    }
    given = {key: value for key, value in settings.items() if value is not None}
    raise typer.Exit(run(config, given, grace_seconds))


def _one(name: str, value: str | None, other_name: str, other: str | None) -> str | None:
    """The flag that was given of two that say the same."""
    if value is not None and other is not None:
        raise typer.BadParameter(f"{name} and {other_name} say the same; give one of them")
    return other if value is None else value


def _at(address: str, port: int | None) -> str | None:
    return None if port is None else f"{address}{port}"
