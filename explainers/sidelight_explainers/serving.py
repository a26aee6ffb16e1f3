"""Runs the explain service until it is told to stop."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
import uvicorn

from sidelight import telemetry
from sidelight.config import Listen, load
from sidelight.config.fields import Key
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tables import read_table
from sidelight_explainers.models import open_models
from sidelight_explainers.service.app import create_app

GRACE_SECONDS = 25
"""Time for requests under way after SIGTERM; less than Kubernetes' 30."""


def serve(config: Path | None, flags: Mapping[Key, Any]) -> None:
    """Serve the configured models; SIGTERM finishes what is under way and exits 0."""
    loaded = load(config, flags)
    telemetry.configure("explainers")
    settings = loaded.settings.explainers
    models = open_models(loaded.settings)
    listen = Listen.parse(settings.listen)
    app = create_app(models, settings)
    # uvicorn raises the signal again when it has drained: this is what then happens
    signal.signal(signal.SIGTERM, _exit)
    structlog.get_logger("sidelight.explainers").info(
        "serving", url=listen.url, models=sorted(models)
    )
    uvicorn.run(
        app,
        host=listen.host,
        port=listen.port,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def kserve_flags(
    model: str,
    host: str | None,
    protocol: str,
    reference: Path | None,
    features: Sequence[str] = (),
) -> dict[Key, Any]:
    """Settings from the arguments that KServe gives an explainer's container."""
    key = ("models", model)
    speaks = protocol.removesuffix("-v2")
    scheme = "grpc" if speaks == "grpc" else "http"
    url = host if host is None or "://" in host else f"{scheme}://{host}"
    kinds = _kinds(reference, features) if features else {}
    return {
        (*key, "predictor", "url"): url,
        (*key, "predictor", "protocol"): None if host is None else speaks,
        (*key, "reference"): None if reference is None else str(reference),
        (*key, "explainers", "shapley"): {},
        **{(*key, "features", name): kind for name, kind in kinds.items()},
    }


def _kinds(reference: Path | None, features: Sequence[str]) -> dict[str, str]:
    """What the reference's columns of these names hold."""
    if reference is None:
        raise ConfigError("--features needs --reference, which says what they are")
    try:
        columns = read_table(reference).select(tuple(features))
    except DataMismatch as exc:
        raise ConfigError(f"--features: {reference}: {exc}") from exc
    numeric = ("number", "boolean")
    return {one.name: "numeric" if one.kind in numeric else "categorical" for one in columns}


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
