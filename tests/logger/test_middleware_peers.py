"""The middleware inside of other people's model servers."""

from __future__ import annotations

import os
from pathlib import Path

import httpx

from sidelight.events import Exchange
from sidelight_logger.recorder.describing.description import Origin, describe
from tests import peers
from tests.logger.proxy_running import DummyRecorder, wait_until

SOURCE = Path(__file__).resolve().parents[2]
ROWS = [[1.0, 2.0], [3.0, 4.0]]

KSERVE = """
import sys
import numpy as np
from kserve import Model, ModelServer
from kserve.model_server import app
from sidelight_logger.middleware import PayloadLogger

http, rpc, name = sys.argv[1:]

class Sum(Model):
    def predict(self, payload, headers=None):
        return {"predictions": np.asarray(payload["instances"]).sum(axis=1).tolist()}

app.add_middleware(PayloadLogger)
model = Sum(name)
model.load()
server = ModelServer(http_port=int(http), grpc_port=int(rpc), workers=1, enable_grpc=False)
server.start([model])
"""

MLSERVER = """
from mlserver.rest import server
from sidelight_logger.middleware import PayloadLogger
make = server.create_app
server.create_app = lambda *given, **named: PayloadLogger(make(*given, **named))
"""


def told(recorder: DummyRecorder) -> dict[str, str]:
    """The variables of a server that logs by itself."""
    path = os.pathsep.join((str(SOURCE), str(SOURCE / "logger")))
    return {"PYTHONPATH": path, "SIDELIGHT_LOGGER__SOCKET": str(recorder.path)}


def only_exchange(recorder: DummyRecorder) -> Exchange:
    """The one that is no question after the server's health."""

    def found() -> list[Exchange]:
        each = (describe(one, 1, Origin("/test", "me")) for one in list(recorder.captures))
        return [one for one in each if one is not None]

    wait_until(lambda: bool(found()))
    [exchange] = found()
    return exchange


def test_kserves_server_logs_by_itself(recorder: DummyRecorder) -> None:
    with peers.kserve_program(KSERVE, "linear", **told(recorder)) as server:
        url = server.http + "/v1/models/linear:predict"
        answer = httpx.post(url, json={"instances": ROWS}, timeout=30)
        exchange = only_exchange(recorder)
    assert answer.json() == {"predictions": [3.0, 7.0]}
    assert (exchange.model, exchange.protocol, exchange.status) == ("linear", "v1", 200)
    assert exchange.response.content == answer.content
    assert answer.headers["x-request-id"] == exchange.id


def test_mlserver_logs_by_itself_and_its_answer_is_compressed_as_the_client_has_it(
    recorder: DummyRecorder, tmp_path: Path
) -> None:
    folder = peers.sklearn_model(tmp_path / "income")
    rows = {"name": "x", "shape": [300, 4], "datatype": "FP64", "data": [1.0] * 1200}
    with peers.mlserver(folder, MLSERVER, **told(recorder)) as server:
        url = server.http + "/v2/models/income/infer"
        answer = httpx.post(url, json={"inputs": [rows]}, timeout=30)
        exchange = only_exchange(recorder)
    assert answer.json()["outputs"][0]["shape"] == [300, 1]
    assert (exchange.model, exchange.version, exchange.protocol) == ("income", "v1", "v2")
    assert exchange.response.content_encoding == answer.headers["content-encoding"] == "gzip"
    assert exchange.response.size == int(answer.headers["content-length"])
