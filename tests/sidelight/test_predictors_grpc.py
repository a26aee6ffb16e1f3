from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from time import sleep
from typing import Any

import grpc  # type: ignore[import-untyped]
import numpy as np
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import DataMismatch, PredictorError, PredictorTimeout
from sidelight.predictors import Predictor, open_predictor, spending
from sidelight.tensors import Columns, column_of
from tests.sidelight.grpc_servers import asked_of, doubled, readiness, serving

ROWS = Columns.of(x=[1.0, 2.0, 3.0])
CODES = grpc.StatusCode


def opened(url: str, **settings: Any) -> Predictor:
    return open_predictor("m", PredictorSettings(url=url, **settings))


def refusing(*codes: Any, words: str = "wait") -> Any:
    """Refuses with these codes, one a call, the last for ever; None answers."""
    left, lock = list(codes), Lock()

    def answer(request: bytes, context: Any) -> bytes:
        with lock:
            code = left.pop(0) if len(left) > 1 else left[0]
        if code is not None:
            context.abort(code, words)
        return doubled(request, context)

    return answer


@pytest.mark.parametrize("tensors", ["raw", "typed"])
def test_rows_go_by_name_and_come_back_by_name(tensors: Any) -> None:
    with serving(doubled) as server:
        settings = PredictorSettings(url=server.url, tensors=tensors, name="other")
        predictor = open_predictor("m", settings, ["x", "sex"])
        answer = predictor(Columns((column_of("sex", ["f", "m"]), column_of("x", [1.0, 2.5]))))
        predictor.close()
    assert answer["y"].values.tolist() == [2.0, 5.0]
    asked = asked_of(server)
    assert asked.names == ("x", "sex")
    assert asked["sex"].values.tolist() == ["f", "m"]
    assert (asked.parameters["model_name"], bool(asked.parameters["id"])) == ("other", True)


def test_the_output_that_is_set_is_asked_for() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url, output="predict_proba[1]")
        predictor(ROWS)
        predictor.close()
    assert asked_of(server).parameters["outputs"] == [{"name": "predict_proba"}]


def test_one_connection_is_kept() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url)
        for _ in range(20):
            predictor(ROWS)
        predictor.close()
    assert len(server.connections) == 1


def test_large_batches_go_in_parts_and_come_back_in_order() -> None:
    x = np.arange(1000.0)
    with serving(doubled) as server:
        predictor = opened(server.url, max_batch_rows=64, max_in_flight=3)
        with spending() as spent:
            answer = predictor(Columns.of(x=x))
        predictor.close()
    np.testing.assert_array_equal(answer["y"].values, 2 * x)
    assert (spent.calls, spent.rows) == (16, 1000)


def test_the_first_part_that_fails_ends_the_batch() -> None:
    def odd(request: bytes, context: Any) -> bytes:
        context.abort(CODES.INVALID_ARGUMENT, "feature x is odd")
        raise AssertionError

    with serving(odd) as server:
        predictor = opened(server.url, max_batch_rows=1, max_in_flight=2)
        with pytest.raises(PredictorError, match="feature x is odd"):
            predictor(Columns.of(x=np.arange(100.0)))
        predictor.close()
    assert len(server.requests) < 20


def test_threads_share_a_predictor_and_each_counts_its_own() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url)

        def ask(size: int) -> tuple[int, int]:
            with spending() as spent:
                answer = predictor(Columns.of(x=np.full(size, float(size))))
            assert answer["y"].values.tolist() == [2.0 * size] * size
            return spent.calls, spent.rows

        with ThreadPoolExecutor(16) as pool:
            told = list(pool.map(ask, range(1, 100)))
        predictor.close()
    assert told == [(1, size) for size in range(1, 100)]


def test_no_more_calls_wait_than_allowed() -> None:
    now, most, lock = 0, 0, Lock()

    def slow(request: bytes, context: Any) -> bytes:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        sleep(0.02)
        with lock:
            now -= 1
        return doubled(request, context)

    with serving(slow) as server:
        predictor = opened(server.url, max_in_flight=2, max_batch_rows=1)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(predictor, [ROWS] * 8))
        predictor.close()
    assert most == 2


def test_what_may_pass_is_asked_again() -> None:
    with serving(refusing(CODES.UNAVAILABLE, CODES.UNAVAILABLE, None)) as server:
        predictor = opened(server.url, retries=2)
        with spending() as spent:
            assert len(predictor(ROWS)) == 3
        predictor.close()
    assert (spent.calls, spent.rows) == (3, 9)


def test_a_server_that_comes_back_is_found_again() -> None:
    with serving(doubled) as first:
        predictor = opened(first.url, retries=0)
        predictor(ROWS)
    with pytest.raises(PredictorError, match="UNAVAILABLE"):
        predictor(ROWS)
    with serving(doubled, port=int(first.address.rpartition(":")[2])) as second:
        while not second.requests:
            with suppress(PredictorError):
                predictor(ROWS)
            sleep(0.05)
        predictor.close()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (CODES.INVALID_ARGUMENT, 400),
        (CODES.FAILED_PRECONDITION, 400),
        (CODES.UNAUTHENTICATED, 401),
        (CODES.NOT_FOUND, 404),
        (CODES.RESOURCE_EXHAUSTED, 429),
        (CODES.INTERNAL, 500),
        (CODES.UNKNOWN, 500),
    ],
)
def test_what_will_not_pass_is_not_asked_again(code: Any, status: int) -> None:
    with serving(refusing(code, words="feature x is odd")) as server:
        predictor = opened(server.url, retries=5)
        told = f"predictor 'm' at {server.url}: {code.name}: feature x is odd"
        with pytest.raises(PredictorError) as caught:
            predictor(ROWS)
        predictor.close()
    assert str(caught.value) == told
    assert caught.value.status == status
    assert len(server.requests) == 1


def test_the_servers_own_words_are_cut() -> None:
    with serving(refusing(CODES.INTERNAL, words="x" * 1000)) as server:
        predictor = opened(server.url)
        with pytest.raises(PredictorError, match=r"INTERNAL: x{300}$"):
            predictor(ROWS)
        predictor.close()


def test_a_server_without_the_protocol_is_told_by_its_url() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url)
        assert not predictor.ready()
        predictor.close()
    with serving(refusing(CODES.UNIMPLEMENTED, words="Method not found!")) as server:
        predictor = opened(server.url)
        with pytest.raises(PredictorError, match="correct the predictor's url") as caught:
            predictor(ROWS)
        predictor.close()
    assert caught.value.status == 501


def test_a_server_that_is_not_there_is_a_predictor_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"grpc://127.0.0.1:{taken.getsockname()[1]}"
    predictor = opened(url, retries=1)
    with spending() as spent, pytest.raises(PredictorError, match=url) as caught:
        predictor(ROWS)
    assert not isinstance(caught.value, PredictorTimeout)
    assert spent.calls == 2
    assert not predictor.ready()
    predictor.close()


def test_the_deadline_covers_the_whole_call_with_all_repetitions() -> None:
    with serving(refusing(CODES.UNAVAILABLE)) as server:
        predictor = opened(server.url, timeout_seconds=0.3, retries=1000)
        with pytest.raises(PredictorTimeout, match=r"no answer within 0\.3 s"):
            predictor(ROWS)
        predictor.close()


def test_a_silent_server_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        predictor = opened(f"grpc://127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.3)
        with pytest.raises(PredictorTimeout, match=r"no answer within 0\.3 s") as caught:
            predictor(ROWS)
        predictor.close()
    assert caught.value.status == 504


def test_an_answer_too_large_names_the_setting() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url, max_answer_bytes=1000)
        with pytest.raises(PredictorError, match="raise max_answer_bytes of the predictor"):
            predictor(Columns.of(x=np.arange(1000.0)))
        predictor.close()


def test_no_call_is_larger_than_servers_take_by_default() -> None:
    x = np.arange(1_200_000.0)
    with serving(doubled) as server:
        predictor = opened(server.url, max_batch_rows=1 << 21)
        with spending() as spent:
            answer = predictor(Columns.of(x=x))
        predictor.close()
    np.testing.assert_array_equal(answer["y"].values, 2 * x)
    assert spent.calls == 3


def test_a_request_too_large_for_the_server_names_the_setting() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url)
        with pytest.raises(PredictorError, match="lower max_batch_rows of the predictor"):
            predictor(Columns.of(x=np.zeros((1, 600_000))))
        predictor.close()


@pytest.mark.parametrize(
    ("answer", "words"), [(b"\xff\xff\xff", "not a GRPC answer"), (b"", "0 rows in answer to 3")]
)
def test_answers_that_are_not_answers_are_predictor_errors(answer: bytes, words: str) -> None:
    with serving(lambda _request, _context: answer) as server:
        predictor = opened(server.url)
        with pytest.raises(PredictorError, match=words):
            predictor(ROWS)
        predictor.close()


@pytest.mark.parametrize("ready", [True, False])
def test_readiness_is_what_the_server_says(ready: bool) -> None:
    with serving(doubled, ready=readiness({"m": ready})) as server:
        predictor = opened(server.url)
        assert predictor.ready() is ready
        predictor.close()


def test_an_answer_about_readiness_that_is_none_is_not_ready() -> None:
    with serving(doubled, ready=lambda _request, _context: b"\xff\xff") as server:
        predictor = opened(server.url)
        assert not predictor.ready()
        predictor.close()
        assert not predictor.ready()


def test_who_is_closed_answers_no_more() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url, max_batch_rows=1)
        predictor.close()
        with pytest.raises(PredictorError, match=server.url):
            predictor(ROWS)
        with pytest.raises(PredictorError, match=server.url):
            predictor(Columns.of(x=[1.0]))


def test_a_missing_feature_is_named_before_anything_is_sent() -> None:
    with serving(doubled) as server:
        predictor = open_predictor("m", PredictorSettings(url=server.url), ["x", "age"])
        with pytest.raises(DataMismatch, match="'age' is missing"):
            predictor(ROWS)
        predictor.close()
    assert server.requests == []


def test_closing_ends_what_is_under_way() -> None:
    begun = threading.Event()
    told: list[str] = []

    def slow(request: bytes, context: Any) -> bytes:
        begun.set()
        sleep(0.3)
        return doubled(request, context)

    def ask() -> None:
        with pytest.raises(PredictorError) as caught:
            predictor(ROWS)
        told.append(str(caught.value))

    with serving(slow) as server:
        predictor = opened(server.url)
        asking = threading.Thread(target=ask)
        asking.start()
        begun.wait()
        predictor.close()
        asking.join()
        ask()
    assert "CANCELLED" in told[0]
    assert "closed channel" in told[1]


def test_without_grpc_the_message_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['grpc'] = None\n"
        "from sidelight.config.settings import PredictorSettings\n"
        "from sidelight.errors import MissingExtra\n"
        "from sidelight.predictors import open_predictor\n"
        "try: open_predictor('m', PredictorSettings(url='grpc://h:1'))\n"
        "except MissingExtra as exc: print(exc)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("gRPC needs grpcio (")
    assert done.stdout.endswith("); run: pip install 'sidelight[grpc]'\n")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert not [one for one in threading.enumerate() if one.name.startswith("predictor")]
