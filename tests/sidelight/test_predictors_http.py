from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep
from typing import Any, Literal

import numpy as np
import orjson
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import DataMismatch, PredictorError, PredictorTimeout
from sidelight.predictors import Predictor, open_predictor, spending
from sidelight.tensors import Columns, column_of
from tests.sidelight.predictor_servers import doubled, respond, serving

ROWS = Columns.of(x=[1.0, 2.0, 3.0])


def opened(url: str, **settings: Any) -> Predictor:
    return open_predictor("m", PredictorSettings(url=url, **settings))


def answers(*steps: Any) -> Any:
    """Answers one after the other, each a status and body or a function; the last for ever."""
    left, lock = list(steps), Lock()

    def answer(connection: socket.socket, body: bytes) -> None:
        with lock:
            step = left.pop(0) if len(left) > 1 else left[0]
        if callable(step):
            step(connection, body)
        else:
            respond(connection, *step)

    return answer


def test_v2_asks_by_name_and_reads_named_outputs() -> None:
    with serving(doubled) as server:
        predictor = open_predictor("m", PredictorSettings(url=server.url + "/"), ["x", "sex"])
        rows = Columns((column_of("sex", ["f", "m"]), column_of("x", [1.0, 2.5])))
        answer = predictor(rows)
        predictor.close()
    assert answer["y"].values.tolist() == [2.0, 5.0]
    asked = orjson.loads(server.requests[0])
    assert [one["name"] for one in asked["inputs"]] == ["x", "sex"]
    assert asked["id"]
    assert server.heads[0].startswith(b"POST /v2/models/m/infer HTTP/1.1\r\n")


def test_v2_asks_for_the_output_that_is_set_because_some_servers_wait_for_it() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url, output="predict_proba[1]")
        predictor(ROWS)
        predictor.close()
    assert orjson.loads(server.requests[0])["outputs"] == [{"name": "predict_proba"}]


@pytest.mark.parametrize(
    ("form", "instances"),
    [("columns", [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}]), ("matrix", [[1.0], [2.0], [3.0]])],
)
def test_v1_asks_in_the_form_that_is_set(
    form: Literal["columns", "matrix"], instances: list[Any]
) -> None:
    with serving(answers((200, b'{"predictions": [[0.1, 0.9], [0.2, 0.8], [1, 0]]}'))) as server:
        settings = PredictorSettings(url=server.url, protocol="v1", form=form, name="other/name")
        predictor = open_predictor("m", settings)
        answer = predictor(ROWS)
        predictor.close()
    assert answer.columns[0].values.shape == (3, 2)
    assert orjson.loads(server.requests[0])["instances"] == instances
    assert server.heads[0].startswith(b"POST /v1/models/other%2Fname:predict ")


def test_connections_are_kept() -> None:
    with serving(doubled) as server:
        predictor = opened(server.url)
        for _ in range(20):
            predictor(ROWS)
        predictor.close()
    assert server.connections == 1


def test_large_batches_go_in_parts_and_come_back_in_order() -> None:
    x = np.arange(1000.0)
    with serving(doubled) as server:
        predictor = opened(server.url, max_batch_rows=64, max_in_flight=3)
        with spending() as spent:
            answer = predictor(Columns.of(x=x))
        predictor.close()
    np.testing.assert_array_equal(answer["y"].values, 2 * x)
    assert (spent.calls, spent.rows) == (16, 1000)
    assert server.connections <= 3


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

    def slow(connection: socket.socket, body: bytes) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        sleep(0.02)
        with lock:
            now -= 1
        doubled(connection, body)

    with serving(slow) as server:
        predictor = opened(server.url, max_in_flight=2)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(predictor, [ROWS] * 16))
        predictor.close()
    assert most == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_may_pass_is_asked_again(status: int) -> None:
    with serving(answers((status, b"wait"), (status, b"wait"), doubled)) as server:
        predictor = opened(server.url, retries=2)
        with spending() as spent:
            assert len(predictor(ROWS)) == 3
        predictor.close()
    assert (spent.calls, spent.rows) == (3, 9)


def test_a_connection_closed_under_us_is_asked_again() -> None:
    def close(connection: socket.socket, _body: bytes) -> None:
        connection.shutdown(socket.SHUT_RDWR)
        raise OSError

    with serving(answers(doubled, close, doubled)) as server:
        predictor = opened(server.url, retries=1)
        assert len(predictor(ROWS)) == len(predictor(ROWS)) == 3
        predictor.close()
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_what_will_not_pass_is_not_asked_again(status: int) -> None:
    with serving(answers((status, b'{"error": "feature x is odd"}'))) as server:
        predictor = opened(server.url, retries=5)
        with pytest.raises(PredictorError, match=f"answered {status}: feature x is odd") as caught:
            predictor(ROWS)
        predictor.close()
    assert caught.value.status == status
    assert f"{server.url}/v2/models/m/infer" in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"detail": [{"loc": ["body"]}]}', '[{"loc":["body"]}]'),
        (b"<html>Bad things</html>", "<html>Bad things</html>"),
        (b"", "(no words)"),
        (b'"' + b"x" * 5000 + b'"', "x" * 300),
    ],
)
def test_errors_hold_the_servers_own_words(body: bytes, words: str) -> None:
    with serving(answers((400, body))) as server:
        predictor = opened(server.url)
        with pytest.raises(PredictorError) as caught:
            predictor(ROWS)
        predictor.close()
    assert str(caught.value).endswith(f"answered 400: {words}")


def test_a_server_that_is_not_there_is_a_predictor_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    predictor = opened(url, retries=1)
    with spending() as spent, pytest.raises(PredictorError, match=url) as caught:
        predictor(ROWS)
    assert ": cannot connect: " in str(caught.value)
    assert caught.value.status == 0
    assert not isinstance(caught.value, PredictorTimeout)
    assert spent.calls == 2
    assert not predictor.ready()
    predictor.close()


def _trickle_head(connection: socket.socket, _body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(500):
        connection.sendall(b"x: y\r\n")
        sleep(0.02)


def _trickle_body(connection: socket.socket, _body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    for _ in range(500):
        connection.sendall(b" ")
        sleep(0.02)


def _silence(_connection: socket.socket, _body: bytes) -> None:
    sleep(1)


@pytest.mark.parametrize("answer", [_trickle_head, _trickle_body, _silence, (503, b"wait")])
def test_the_deadline_covers_the_whole_call_with_all_repetitions(answer: Any) -> None:
    with serving(answers(answer)) as server:
        predictor = opened(server.url, timeout_seconds=0.3, retries=1000)
        with pytest.raises(PredictorTimeout, match=r"no answer within 0\.3 s"):
            predictor(ROWS)
        predictor.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not a V2 answer: body: is not JSON"),
        (b'{"predictions": [1]}', "not a V2 answer"),
        (
            b'{"model_name":"m","outputs":[{"name":"y","datatype":"FP64","shape":[2],"data":[1,2]}]}',
            "2 rows in answer to 3",
        ),
        (b" " * 3000, "the answer is larger than 2048 bytes"),
    ],
)
def test_answers_that_are_not_answers_are_predictor_errors(body: bytes, words: str) -> None:
    with serving(answers((200, body))) as server:
        predictor = opened(server.url, max_answer_bytes=2048)
        with pytest.raises(PredictorError) as caught:
            predictor(ROWS)
        predictor.close()
    assert words in str(caught.value)


def test_an_answer_cut_short_is_never_taken_for_whole() -> None:
    def cut(connection: socket.socket, _body: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}")
        connection.shutdown(socket.SHUT_RDWR)
        raise OSError

    with serving(cut) as server:
        predictor = opened(server.url, retries=0)
        with pytest.raises(PredictorError, match="m"):
            predictor(ROWS)
        predictor.close()


def test_an_answer_cut_short_is_asked_for_again() -> None:
    def cut_once(connection: socket.socket, body: bytes) -> None:
        if len(server.requests) > 1:
            doubled(connection, body)
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}")
        connection.shutdown(socket.SHUT_RDWR)

    with serving(cut_once) as server:
        predictor = opened(server.url, retries=1)
        assert predictor(ROWS)["y"].values.tolist() == (2 * ROWS.columns[0].values).tolist()
        predictor.close()


def test_a_redirect_is_not_followed() -> None:
    def elsewhere(connection: socket.socket, _body: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:9/x\r\ncontent-length: 0\r\n\r\n"
        )

    with serving(elsewhere) as server:
        predictor = opened(server.url)
        with pytest.raises(PredictorError, match="answered 307"):
            predictor(ROWS)
        predictor.close()


@pytest.mark.parametrize(
    ("protocol", "answer", "ready"),
    [
        ("v2", (200, b""), True),
        ("v2", (200, b'{"name": "m", "ready": true}'), True),
        ("v1", (200, b'{"name": "m", "ready": "True"}'), True),
        ("v1", (200, b'{"name": "m", "ready": false}'), False),
        ("v2", (404, b"{}"), False),
        ("v2", (503, b"{}"), False),
    ],
)
def test_readiness_is_what_the_server_says(
    protocol: Literal["v1", "v2"], answer: tuple[int, bytes], ready: bool
) -> None:
    with serving(answers(answer)) as server:
        predictor = opened(server.url, protocol=protocol)
        assert predictor.ready() is ready
        predictor.close()
    path = {"v1": b"GET /v1/models/m HTTP", "v2": b"GET /v2/models/m/ready HTTP"}[protocol]
    assert server.heads[0].startswith(path)


def test_a_missing_feature_is_named_before_anything_is_sent() -> None:
    with serving(doubled) as server:
        predictor = open_predictor("m", PredictorSettings(url=server.url), ["x", "age"])
        with pytest.raises(DataMismatch, match="'age' is missing"):
            predictor(ROWS)
        predictor.close()
    assert server.requests == []


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    import threading

    yield
    assert not [one for one in threading.enumerate() if one.name.startswith("predictor-")]
