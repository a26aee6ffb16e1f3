"""`sidelight explainers`: the service, also with the arguments that KServe gives a container."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sidelight.command.options import Config
from sidelight.errors import ConfigError
from sidelight_explainers.kserve.arguments import WITHOUT_EFFECT, Protocol, Truth, meaningful

KSERVE = "KServe's container arguments"


class KServesArguments(TyperCommand):
    """Takes those of KServe's arguments that mean nothing here, and leaves them out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(meaningful(args)))


def _told(name: str, words: str) -> Any:
    panel: Any = {"rich_help_panel": KSERVE, "show_default": False, "case_sensitive": False}
    return typer.Option(f"--{name}", help=words, **panel)


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
    workers: Annotated[int | None, typer.Option(help="Rows explained at one time.")] = None,
    model_name: Annotated[str | None, _told("model_name", "The model to explain.")] = None,
    predictor_host: Annotated[
        str | None, _told("predictor_host", "The predictor's (or transformer's) HOST[:PORT].")
    ] = None,
    predictor_protocol: Annotated[
        Protocol, _told("predictor_protocol", "What the predictor speaks; v1 when not set.")
    ] = Protocol.v1,
    protocol: Annotated[
        Protocol | None, _told("protocol", "The older name of --predictor_protocol.")
    ] = None,
    predictor_use_ssl: Annotated[
        Truth, _told("predictor_use_ssl", "Whether the predictor is asked over TLS.")
    ] = Truth.false,
    predictor_request_timeout_seconds: Annotated[
        int | None, _told("predictor_request_timeout_seconds", "Deadline of one call.")
    ] = None,
    predictor_request_retries: Annotated[
        int | None, _told("predictor_request_retries", "Tries again after a failed call.")
    ] = None,
    http_port: Annotated[
        int | None, _told("http_port", "Listen here on every interface (or on --listen's).")
    ] = None,
    grpc_port: Annotated[
        int | None, _told("grpc_port", "Answer over gRPC here too, on the same interfaces.")
    ] = None,
    enable_grpc: Annotated[
        Truth | None, _told("enable_grpc", "Whether to answer over gRPC; at 8081 when not set.")
    ] = None,
    grpc_max_receive_message_length: Annotated[
        int | None, _told("grpc_max_receive_message_length", "Bytes of one request's body.")
    ] = None,
    keep_alive: Annotated[
        int | None, _told("timeout-keep-alive", "Seconds that an idle connection is kept.")
    ] = None,
    ssl_certfile: Annotated[
        Path | None, _told("ssl_certfile", "Serve TLS with this certificate.")
    ] = None,
    ssl_keyfile: Annotated[Path | None, _told("ssl_keyfile", "The certificate's key.")] = None,
) -> None:
    """Serve explanations: POST /v1/models/NAME:explain, POST /v2/models/NAME/explain."""
    from sidelight_explainers.kserve import settings as kserve
    from sidelight_explainers.service.serving import serve

    file = kserve.configuration(config)
    is_grpc = None if enable_grpc is None else enable_grpc is Truth.true
    flags: dict[tuple[str, ...], Any] = {
        **kserve.Listening(listen, http_port, grpc_port, is_grpc).flags(),
        ("explainers", "workers"): workers,
        ("explainers", "max_body"): grpc_max_receive_message_length,
        ("explainers", "keep_alive_seconds"): keep_alive,
        ("explainers", "cert_file"): ssl_certfile,
        ("explainers", "key_file"): ssl_keyfile,
    }
    if model_name is None and (predictor_host or reference or features):
        raise ConfigError("--predictor_host, --reference and --features are told with --model_name")
    if model_name is not None:
        names = [name.strip() for name in (features or "").split(",") if name.strip()]
        rows = kserve.reference(reference, file)
        predictor = kserve.Predictor(
            model_name,
            predictor_host,
            protocol or predictor_protocol,
            predictor_use_ssl is Truth.true,
            predictor_request_timeout_seconds,
            predictor_request_retries,
        )
        flags |= predictor.flags() | kserve.reference_flags(model_name, rows, names)
    serve(file, flags, model_name)


_IDLE = ", ".join(WITHOUT_EFFECT)
explainers.__doc__ = f"{explainers.__doc__}\n\n    Taken without effect: {_IDLE}."
