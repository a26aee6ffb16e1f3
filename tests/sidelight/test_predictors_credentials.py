from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr, ValidationError

from sidelight.config import load
from sidelight.config.fields import dotted
from sidelight.config.listing import in_force
from sidelight.config.predicting import PredictorSettings
from sidelight.errors import ConfigError, PredictorError
from sidelight.predictors import Predictor, open_predictor
from sidelight.tensors import Columns
from tests.sidelight import grpc_servers
from tests.sidelight.grpc_servers import readiness
from tests.sidelight.predictor_servers import Seen, doubled, respond, serving

ROWS = Columns.of(x=[1.0, 2.0])


@contextmanager
def opened(url: str, **settings: Any) -> Iterator[Predictor]:
    predictor = open_predictor("m", PredictorSettings(url=url, retries=0, **settings))
    yield predictor
    predictor.close()


def answer(connection: socket.socket, body: bytes) -> None:
    """A question or, without a body, a readiness request."""
    if body:
        doubled(connection, body)
    else:
        respond(connection, 200, b"{}")


@contextmanager
def asked(**settings: Any) -> Iterator[tuple[Seen, Predictor]]:
    with serving(answer) as server, opened(server.url, **settings) as predictor:
        yield server, predictor


def lines(head: bytes) -> dict[str, str]:
    pairs = (line.partition(": ") for line in head.decode().split("\r\n")[1:] if line)
    return {name.lower(): value for name, _, value in pairs}


def test_a_token_and_headers_go_with_each_call_over_http() -> None:
    headers = {"Host": "income.models.example", "MM-Vmodel-Id": "income"}
    with asked(token="t0ken", headers=headers) as (server, predictor):
        predictor(ROWS)
        assert predictor.ready()
    told = [lines(head) for head in server.heads]
    assert [one["authorization"] for one in told] == ["Bearer t0ken"] * 2
    assert [one["host"] for one in told] == ["income.models.example"] * 2
    assert [one["mm-vmodel-id"] for one in told] == ["income"] * 2
    assert told[0]["content-type"] == "application/json"


def test_a_token_and_headers_go_with_each_call_over_grpc() -> None:
    told: list[dict[str, str]] = []
    authorities: list[str] = []

    def keep(answer: Any) -> Any:
        def kept(request: bytes, context: Any) -> Any:
            told.append(dict(context.invocation_metadata()))
            authorities.append(context._rpc_event.call_details.host.decode())
            return answer(request, context)

        return kept

    infer, ready = keep(grpc_servers.doubled), keep(readiness({"m": True}))
    headers = {"host": "income.models.example", "mm-vmodel-id": "income"}
    serving_grpc = grpc_servers.serving(infer, ready=ready)
    with serving_grpc as at, opened(at.url, token="t0ken", headers=headers) as predictor:
        predictor(ROWS)
        assert predictor.ready()
    assert [one["authorization"] for one in told] == ["Bearer t0ken"] * 2
    assert [one["mm-vmodel-id"] for one in told] == ["income"] * 2
    assert authorities == ["income.models.example"] * 2


def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    with asked(token_file=file) as (server, predictor):
        predictor(ROWS)
        other = tmp_path / "other"  # as Kubernetes does: another file behind the same name
        other.write_text("second\n")
        os.replace(other, file)
        predictor(ROWS)
    assert [lines(head)["authorization"] for head in server.heads] == [
        "Bearer first",
        "Bearer second",
    ]


def test_a_token_that_got_lost_is_an_error_of_the_call_and_not_of_the_service(
    tmp_path: Path,
) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    with asked(token_file=file) as (server, predictor):
        file.unlink()
        with pytest.raises(PredictorError, match="No such file"):
            predictor(ROWS)
        assert not predictor.ready()
        file.write_text("second")
        predictor(ROWS)
    assert [lines(head)["authorization"] for head in server.heads] == ["Bearer second"]


@pytest.mark.parametrize("content", [b"", b"two words", b"two\nlines", "t\u00f6ken".encode()])
def test_a_file_without_a_token_is_refused_at_the_start(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    settings = PredictorSettings(url="http://127.0.0.1:1", token_file=file)
    with pytest.raises(ConfigError, match=r"models\.m\.predictor\.token_file") as caught:
        open_predictor("m", settings)
    assert "two" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("token: s3cret, token_file: b", "one of 'token' and 'token_file'"),
        ("token: s3cret, headers: {Authorization: b}", "set one of the two"),
        ("headers: {content-type: s3cret}", "set by the protocol itself"),
        ("headers: {no name: s3cret}", "no name of a header"),
        ('headers: {x: "s3cret\\r\\ny: 1"}', "characters that no header can hold"),
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_shown(
    tmp_path: Path, settings: str, told: str
) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text(f"models: {{m: {{predictor: {{url: 'http://h', {settings}}}}}}}\n")
    with pytest.raises(ConfigError, match=told) as caught:
        load(file, environ={})
    assert "s3cret" not in str(caught.value)


def test_a_token_is_for_a_server() -> None:
    with pytest.raises(ValidationError, match="'token' belongs to a model server"):
        PredictorSettings(model=Path("m.onnx"), token=SecretStr("a"))


def test_neither_token_nor_headers_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text(
        "models: {m: {predictor: {url: 'http://h', token: s3cret, headers: {x-key: s3cret}}}}\n"
    )
    loaded = load(file, environ={})
    shown = {dotted(one.key): one.value for one in in_force(loaded)}
    assert shown["models.m.predictor.token"] == "***"
    assert shown["models.m.predictor.headers.x-key"] == "***"
    assert "s3cret" not in repr(loaded.settings)
    predictor = loaded.settings.models["m"].predictor
    assert predictor is not None
    assert predictor.headers["x-key"].get_secret_value() == "s3cret"


def test_headers_of_another_case_are_the_same_header() -> None:
    settings = PredictorSettings(url="grpc://h:1", headers={"MM-Vmodel-Id": SecretStr("income")})
    assert list(settings.headers) == ["mm-vmodel-id"]


@pytest.mark.parametrize(
    "words", [b'{"error": "who is Bearer s3cret-t0ken?"}', b"x" * 290 + b" s3cret-t0ken"]
)
def test_a_server_that_echoes_the_token_does_not_make_us_show_it(words: bytes) -> None:
    def echo(connection: socket.socket, _body: bytes) -> None:
        respond(connection, 401, words)

    with (
        serving(echo) as server,
        opened(server.url, token="s3cret-t0ken") as predictor,
        pytest.raises(PredictorError, match=r"answered 401: .*\*\*\*") as caught,
    ):
        predictor(ROWS)
    assert "s3cr" not in str(caught.value)


def test_a_grpc_server_that_echoes_the_token_does_not_make_us_show_it() -> None:
    def echo(_request: bytes, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "who is Bearer s3cret-t0ken?")

    with (
        grpc_servers.serving(echo) as at,
        opened(at.url, token="s3cret-t0ken") as predictor,
        pytest.raises(PredictorError, match=r"who is Bearer \*\*\*\?") as caught,
    ):
        predictor(ROWS)
    assert caught.value.status == 401
