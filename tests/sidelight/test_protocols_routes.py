"""Paths as peers serve them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sidelight.protocols.routes import NO_ROUTE, Route, route


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/models/income:predict", Route("v1", "income", "", "infer")),
        ("POST", "/v1/models/income:explain", Route("v1", "income", "", "explain")),
        ("POST", "/v1/models/a:b:predict", Route("v1", "a:b", "", "infer")),
        ("POST", "/v1/models/m/versions/3:predict", Route("v1", "m", "3", "infer")),
        ("GET", "/v1/models/income", Route("v1", "income", "", "ready")),
        ("GET", "/v1/models/m/versions/3/metadata", Route("v1", "m", "3", "metadata")),
        ("GET", "/v1/models", Route("v1", "", "", "list")),
        ("POST", "/v2/models/income/infer", Route("v2", "income", "", "infer")),
        ("POST", "/v2/models/a:b/versions/v7/infer", Route("v2", "a:b", "v7", "infer")),
        ("POST", "/v2/models/income/explain", Route("v2", "income", "", "explain")),
        ("POST", "/v2/models/m/versions/3/explain", Route("v2", "m", "3", "explain")),
        ("POST", "/v2/models/m/generate_stream", Route("v2", "m", "", "generate")),
        ("GET", "/v2/models/m/versions/3/ready", Route("v2", "m", "3", "ready")),
        ("HEAD", "/v2/models/m/ready", Route("v2", "m", "", "ready")),
        ("GET", "/v2/models/m", Route("v2", "m", "", "metadata")),
        ("GET", "/v2/models/infer", Route("v2", "infer", "", "metadata")),
        ("GET", "/v2/models", Route("v2", "", "", "list")),
        ("GET", "/v2/health/live", Route("v2", "", "", "live")),
        ("GET", "/v2/health/ready", Route("v2", "", "", "ready")),
        ("GET", "/v2", Route("v2", "", "", "metadata")),
        ("POST", "/v2/repository/index", Route("v2", "", "", "list")),
        ("POST", "/v2/repository/models/m/load", Route("v2", "m", "", "load")),
        ("POST", "/inference.GRPCInferenceService/ModelInfer", Route("grpc", "", "", "infer")),
        ("POST", "/v1/models/my%20model:predict?trace=1", Route("v1", "my model", "", "infer")),
    ],
)
def test_a_path_of_a_model_server_is_known(method: str, path: str, expected: Route) -> None:
    assert route(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/metrics"),
        ("GET", "/v1/models/m:predict"),
        ("GET", "/v2/models/m/infer"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/:predict"),
        ("POST", "/v1/models/a/b:predict"),
        ("POST", "/v2/models//infer"),
        ("POST", "/v2/models/m/infer/"),
        ("POST", "/prefix/v2/models/m/infer"),
        ("POST", "/v2/models/m/versions/infer"),
        ("POST", "/v2/models/m/infer\n"),
        ("", ""),
    ],
)
def test_any_other_path_is_no_route(method: str, path: str) -> None:
    assert route(method, path) == NO_ROUTE


def test_routes_are_known_without_numpy() -> None:
    code = "import sys, sidelight.protocols.routes; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
