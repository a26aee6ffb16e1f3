"""Requests made from the OpenAPI document never meet a defect, and answers are as it says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from sidelight.config.explaining.service import ExplainersSettings
from sidelight_explainers.service.app import create_app
from tests.explainers.explaining_services import model

# The service starts and stops for every request here, and must not take its model along.
APP = create_app({"m": replace(model(), close=lambda: None)}, ExplainersSettings(warm_up=False))
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP)
QUICKLY = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@SCHEMA.parametrize()
@QUICKLY
def test_every_answer_is_in_the_document(case: Any) -> None:
    if "model" in (case.path_parameters or {}):
        case.path_parameters["model"] = "m"
    case.call_and_validate(
        checks=[
            schemathesis.checks.not_a_server_error,
            status_code_conformance,
            response_schema_conformance,
        ]
    )
