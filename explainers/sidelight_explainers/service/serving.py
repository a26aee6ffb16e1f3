"""Runs the explain service until it is told to stop."""

from __future__ import annotations

import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from sidelight import telemetry
from sidelight.config import Listen, load
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.fields import Key
from sidelight.serving.connections import Impatient
from sidelight.serving.listening import bound
from sidelight_explainers.kserve.settings import with_methods
from sidelight_explainers.models import open_models
from sidelight_explainers.service.answering import Answering
from sidelight_explainers.service.app import create_app

GRACE_SECONDS = 20
"""Time for requests under way after SIGTERM, which are then refused."""
END_SECONDS = 25
"""Then also who does not take an answer is left; less than Kubernetes' 30."""

MAX_CONNECTIONS = 1024
"""Above it the answer is 503."""


def serve(config: Path | None, flags: Mapping[Key, Any], model: str | None = None) -> None:
    """Serve the configured models; SIGTERM finishes what is under way and exits 0.

    The model that a command line names has the usual methods where none are configured.
    """
    loaded = load(config, flags).settings
    telemetry.configure("explainers")
    settings = loaded if model is None else with_methods(loaded, model)
    models = open_models(settings)
    app = create_app(models, settings.explainers, settings.log)
    # uvicorn raises the signal again when it has drained: this is what then happens
    signal.signal(signal.SIGTERM, _exit)
    with bound("explainers.listen", settings.explainers.listen) as listens:
        structlog.get_logger("sidelight.explainers").info(
            "serving",
            url=Listen.parse(settings.explainers.listen).url,
            grpc=settings.explainers.grpc_listen,
            models={name: list(one.methods) for name, one in models.items() if one},
        )
        _Server(_configured(app, settings.explainers), app.state.answering).run([listens])


class _Server(uvicorn.Server):
    """Ends the jobs first: nobody can come for their results any more, but streams would go on."""

    def __init__(self, config: uvicorn.Config, answering: Answering) -> None:
        super().__init__(config)
        self._answering = answering

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._answering.jobs.stop()
        self._answering.closing.begin(GRACE_SECONDS)
        await super().shutdown(sockets)


def _configured(app: FastAPI, settings: ExplainersSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Impatient,
        access_log=False,
        log_config=None,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=END_SECONDS,
        ssl_certfile=settings.cert_file,
        ssl_keyfile=settings.key_file,
        ssl_ca_certs=settings.client_ca_file and str(settings.client_ca_file),
        ssl_cert_reqs=ssl.CERT_NONE if settings.client_ca_file is None else ssl.CERT_REQUIRED,
    )


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
