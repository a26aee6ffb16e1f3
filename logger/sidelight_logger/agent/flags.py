"""The flags of KServe's agent, as options of our command.

Source: kserve/kserve, ``cmd/agent/main.go`` (v0.7 to v0.20).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

PANEL = "KServe's agent"


def _kserve(text: str) -> Any:
    return typer.Option(help=text, rich_help_panel=PANEL, show_default=False)


def _hidden() -> Any:
    return typer.Option(hidden=True)


Text = str | None
Texts = list[str] | None


@dataclass(frozen=True)
class AgentFlags:
    """None for a flag that was not given. Those hidden in the help are refused, or need no work."""

    port: Annotated[int | None, _kserve("Listen on this port of every interface.")] = None
    component_port: Annotated[
        int | None,
        _kserve("Port of the model server on 127.0.0.1. Makes the logger stand in for the agent."),
    ] = None
    metrics_port: Annotated[
        int | None,
        _kserve("Show metrics on this port of every interface, under KServe's names too."),
    ] = None
    log_url: Annotated[
        Text,
        _kserve("Where events go: http(s)://..., or s3://, gs://, abfs://, file:// for files."),
    ] = None
    log_mode: Annotated[Text, _kserve("all, request or response.")] = None
    source_uri: Annotated[Text, _kserve("Source of the events.")] = None
    inference_service: Annotated[Text, _kserve("Name of the service.")] = None
    namespace: Annotated[Text, _kserve("Namespace of the service.")] = None
    endpoint: Annotated[Text, _kserve("Name of the revision.")] = None
    component: Annotated[Text, _kserve("predictor, transformer or explainer.")] = None
    metadata_headers: Annotated[
        Texts, _kserve("Request headers to keep, with commas between; any case.")
    ] = None
    metadata_annotations: Annotated[
        Texts, _kserve("Annotations told with each event: NAME=VALUE, with commas between.")
    ] = None
    logger_ca_cert_file: Annotated[
        Text, _kserve("Certificates of an https sink, a file in /etc/tls/logger.")
    ] = None
    logger_tls_skip_verify: Annotated[
        Text, _kserve("true: the certificate of an https sink is not checked.")
    ] = None
    log_store_path: Annotated[Text, _kserve("Folder below a file sink's address.")] = None
    log_store_format: Annotated[Text, _kserve("json, csv or parquet.")] = None
    log_batch_size: Annotated[int | None, _kserve("Records of one file.")] = None
    log_batch_interval: Annotated[
        Text, _kserve("A file is written at the latest after this, such as 5s.")
    ] = None
    workers: Annotated[int | None, _kserve("Posts under way to the sink at one time.")] = None
    probe_period: Annotated[Text, _hidden()] = None
    log_marshaller_port: Annotated[int | None, _hidden()] = None
    log_marshaller_url: Annotated[Text, _hidden()] = None
    enable_puller: Annotated[Text, _hidden()] = None
    config_dir: Annotated[Text, _hidden()] = None
    model_dir: Annotated[Text, _hidden()] = None
    enable_batcher: Annotated[Text, _hidden()] = None
    max_batchsize: Annotated[Text, _hidden()] = None
    max_latency: Annotated[Text, _hidden()] = None


def with_agent_flags(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose last parameter `agent` is an option for each of the fields above."""
    hints = get_type_hints(AgentFlags, include_extras=True)
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
        for name, hint in hints.items()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        flags = {field.name: given.pop(field.name) for field in fields(AgentFlags)}
        command(**given, agent=AgentFlags(**flags))

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.name != "agent"
    ]
    signature = inspect.Signature([*own, *options])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    return run
