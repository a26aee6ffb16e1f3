"""KServe's own transformer, explainer and predictor, a logger before each: one request, one id."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from sidelight.events import Exchange
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.traces.spans import span
from tests import peers
from tests.logger.proxy_running import DummyRecorder, dummy_recorder, running_proxy, wait_until

NAME = "linear"
ROWS = [[1.0, 2.0], [3.0, 4.0]]
PREDICT, EXPLAIN = f"/v1/models/{NAME}:predict", f"/v1/models/{NAME}:explain"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

TRANSFORMER = """
import sys
from kserve import Model, ModelServer
from kserve.predictor_config import PredictorConfig

http, rpc, name, predictor, explainer = sys.argv[1:]

class Doubling(Model):
    async def preprocess(self, payload, headers=None):
        return {"instances": [[2 * value for value in row] for row in payload["instances"]]}

model = Doubling(name)
model.explainer_host = explainer
model.use_ssl = False  # 0.21 asks for it and has it no more
model.load()
config = PredictorConfig(predictor_host=predictor, predictor_protocol="v1")
server = ModelServer(
    http_port=int(http), grpc_port=int(rpc), workers=1, enable_grpc=False, predictor_config=config
)
server.start([model])
"""

EXPLAINER = """
import sys
from kserve import Model, ModelServer
from kserve.predictor_config import PredictorConfig

http, rpc, name, predictor = sys.argv[1:]

class Difference(Model):
    async def explain(self, payload, headers=None):
        told = await self.predict(payload, headers)
        zero = {"instances": [[0.0, 0.0]]}
        [base] = (await self.predict(zero, headers))["predictions"]
        return {"explanations": [value - base for value in told["predictions"]]}

model = Difference(name)
model.load()
config = PredictorConfig(predictor_host=predictor, predictor_protocol="v1")
server = ModelServer(
    http_port=int(http), grpc_port=int(rpc), workers=1, enable_grpc=False, predictor_config=config
)
server.start([model])
"""


@dataclass(frozen=True)
class Chain:
    """Where a client asks, and what each logger saw."""

    address: str
    transformer: DummyRecorder
    explainer: DummyRecorder
    predictor: DummyRecorder

    def clear(self) -> None:
        for recorder in (self.transformer, self.explainer, self.predictor):
            recorder.captures.clear()


@contextlib.contextmanager
def logged(server: peers.Server) -> Iterator[tuple[str, DummyRecorder]]:
    """A logger before the server: its address, without the scheme."""
    port = int(server.http.rpartition(":")[2])
    with dummy_recorder() as recorder, running_proxy(port, recorder=recorder.path) as proxy:
        yield f"127.0.0.1:{proxy.address[1]}", recorder


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with contextlib.ExitStack() as stack:
        model = stack.enter_context(peers.kserve_server(NAME, [1.0, -2.0], 0.5))
        predictor, at_predictor = stack.enter_context(logged(model))
        explaining = peers.kserve_program(EXPLAINER, NAME, predictor)
        explainer, at_explainer = stack.enter_context(logged(stack.enter_context(explaining)))
        transforming = peers.kserve_program(TRANSFORMER, NAME, predictor, explainer)
        front, at_front = stack.enter_context(logged(stack.enter_context(transforming)))
        yield Chain(f"http://{front}", at_front, at_explainer, at_predictor)


def exchanges(recorder: DummyRecorder, count: int) -> list[Exchange]:
    """What was asked of models; readiness is not."""

    def found() -> list[Exchange]:
        each = (describe(one, 1, Origin("/test", "me")) for one in list(recorder.captures))
        return [one for one in each if one is not None]

    wait_until(lambda: len(found()) >= count)
    assert len(found()) == count
    return found()


def ask(chain: Chain, path: str, **headers: str) -> httpx.Response:
    chain.clear()
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    answer = httpx.post(chain.address + path, json={"instances": ROWS}, headers=sent, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def test_the_id_that_the_logger_gave_meets_in_every_exchange(chain: Chain) -> None:
    answer = ask(chain, PREDICT)
    assert answer.json() == {"predictions": [2 * (1 - 4) + 0.5, 2 * (3 - 8) + 0.5]}
    [first] = exchanges(chain.transformer, 1)
    [second] = exchanges(chain.predictor, 1)
    assert answer.headers["x-request-id"] == first.id == second.correlation_id
    assert span(first).trace_id == span(second).trace_id


def test_an_explanation_and_all_that_it_asks_have_one_id(chain: Chain) -> None:
    answer = ask(chain, EXPLAIN)
    assert answer.json() == {"explanations": [2 * (1 - 4), 2 * (3 - 8)]}
    [first] = exchanges(chain.transformer, 1)
    [explained] = exchanges(chain.explainer, 1)
    asked = exchanges(chain.predictor, 2)
    assert {one.correlation_id for one in (explained, *asked)} == {first.id}
    assert len({span(one).trace_id for one in (first, explained, *asked)}) == 1
    assert len({span(one).span_id for one in (first, explained, *asked)}) == 4


def test_an_id_of_the_clients_own_goes_all_the_way(chain: Chain) -> None:
    ask(chain, EXPLAIN, X_Request_Id="order-7")
    found = [*exchanges(chain.transformer, 1), *exchanges(chain.explainer, 1)]
    found += exchanges(chain.predictor, 2)
    assert {one.correlation_id for one in found} == {"order-7"}


def test_a_trace_reaches_the_transformer_and_ends_there_as_kserves_sdk_has_it(
    chain: Chain,
) -> None:
    """The SDK passes on three headers, and none of W3C's: the request id is what holds."""
    ask(chain, PREDICT, traceparent=TRACEPARENT, tracestate="a=1")
    [first] = exchanges(chain.transformer, 1)
    [second] = exchanges(chain.predictor, 1)
    assert (first.traceparent, first.tracestate) == (TRACEPARENT, "a=1")
    assert span(first).parent_span_id.hex() == "b7ad6b7169203331"
    assert second.traceparent == ""
    assert second.correlation_id == first.id
