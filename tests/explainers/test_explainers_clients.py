"""Other people's clients get the explanations, each in its own way, and all the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.explainers.explaining_services import ROW, V1, model, service
from tests.peers import peer_python
from tests.ports import free_port

SCRIPTS = Path(__file__).parent / "peer_clients"
VALUES = list(ROW.values())


@pytest.fixture(scope="module")
def grpc_address() -> str:
    return f"127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def client(grpc_address: str) -> Iterator[httpx.Client]:
    with service(model(shapley={"budget": 100}), grpc_listen=grpc_address) as client:
        yield client


@pytest.mark.parametrize("peer", ["kserve", "mlserver", "tritonclient"])
def test_a_peers_clients_get_explanations(
    client: httpx.Client, grpc_address: str, peer: str
) -> None:
    url = str(client.base_url).rstrip("/")
    script = SCRIPTS / f"{peer}_client.py"
    program = [str(peer_python(peer)), str(script), url, grpc_address, json.dumps(VALUES)]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    body = {"instances": [VALUES], "parameters": {"explain_parameters": {"seed": 3}}}
    ours = comparable(client.post(V1, json=body).json()["explanations"][0])
    for way, told in json.loads(done.stdout).items():
        assert told is True or comparable(told) == ours, way


def comparable(explanation: Any) -> Any:
    del explanation["data"]["quality"]
    return explanation
