"""Requests made from the OpenAPI document never meet a defect, and answers are as it says."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from prometheus_client import CollectorRegistry
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sidelight_dashboard.app import create_app
from sidelight_dashboard.showing import Showing
from tests.detectors.traffic import MODEL

QUICKLY = settings(
    max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
OURS = {"host": "127.0.0.1", "sec-fetch-site": "same-origin"}
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ENDLESS = "/events"
"""Follows for as long as somebody listens."""


def test_every_answer_is_in_the_document(showing: Showing) -> None:
    app = create_app(showing, CollectorRegistry(), lambda: None)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    asked = []
    for found in schema.exclude(path=ENDLESS).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        asked.append(operation.path)
        _ask(operation)
    assert "/api/models/{model}/drift" in asked


def _ask(operation: Any) -> None:
    @QUICKLY
    @given(case=operation.as_strategy())
    def answers(case: Any) -> None:
        if "model" in (case.path_parameters or {}):
            case.path_parameters["model"] = MODEL
        case.call_and_validate(headers=OURS, checks=CHECKS)

    answers()
