"""The detectors over HTTP, for as long as a test runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from sidelight.config.addresses import Listen
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import http
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.kserve import to_events
from sidelight.tensors import Columns
from sidelight_detectors.service.health import Readiness
from sidelight_detectors.service.http.app import create_app
from sidelight_detectors.service.http.metrics import RequestMetrics
from sidelight_detectors.service.http.scoring import Scoring
from sidelight_detectors.service.http.server import serve
from sidelight_detectors.streaming.plan import Plan
from tests.detectors.traffic import exchange


def app_of(*plans: Plan, **settings: Any) -> FastAPI:
    """The routes over these models."""
    registry = CollectorRegistry()
    by_name = {plan.model: plan for plan in plans}
    metrics = RequestMetrics(registry, list(by_name))
    scoring = Scoring(by_name, DetectorsSettings(**settings), metrics)
    return create_app(scoring, registry, lambda: Readiness(True, "reads nothing"))


@contextmanager
def asked(*plans: Plan, **settings: Any) -> Iterator[httpx.Client]:
    """A client of a real server."""
    with (
        serve(Listen("127.0.0.1", 0), app_of(*plans, **settings)) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield client


def halves(part: Columns, **changed: Any) -> tuple[CloudEvent, ...]:
    """What KServe's logger would send: a request and a response event, told nothing more."""
    told = exchange(part, **{"correlation_id": "call-7", **changed})
    events = to_events(told, 0)
    names = {"namespace": "shop", "inferenceservicename": told.model, "endpoint": ""}
    return tuple(
        CloudEvent(
            event.id,
            event.source,
            event.type,
            event.time_ns,
            event.datacontenttype,
            extensions=names,
            data=event.data,
        )
        for event in events
    )


def send(client: httpx.Client, message: http.HttpMessage, **more: Any) -> httpx.Response:
    """The message as it is, with other headers and a query where given."""
    headers: Mapping[str, str] = {**dict(message.headers), **more.pop("headers", {})}
    return client.post("/", headers=headers, content=message.body, **more)
