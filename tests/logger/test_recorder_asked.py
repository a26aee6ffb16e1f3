"""Requests whose path names no model: OpenAI's API names it in the body."""

from __future__ import annotations

import json

import pytest

from sidelight.events import Exchange
from sidelight_logger.recorder.describing.asked import asked_model
from sidelight_logger.recorder.describing.description import Origin, describe
from tests.logger.captures import capture

CHAT = {
    "messages": [{"role": "user", "content": '"model": "not this"'}],
    "tools": [{"function": {"parameters": {"properties": {"model": "nor this"}}}}],
    "model": "llama-3",
    "stream": True,
}


def described(path: str, body: bytes) -> Exchange:
    found = describe(capture(path, body=body), 1, Origin("/test", "me"))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/v1/completions",
        "/a/service/v1/embeddings?user=x",
        "/v1/rerank",
        "/v1/responses",
    ],
)
def test_the_body_names_the_model(path: str) -> None:
    exchange = described(path, json.dumps(CHAT).encode())
    assert (exchange.model, exchange.protocol) == ("llama-3", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'["model"]',
        b'{"model": 1}',
        b'{"models": "x"}',
        b'{"model": "%s"}' % (b"x" * 999),
    ],
)
def test_a_body_that_names_none_is_of_no_model(body: bytes) -> None:
    assert asked_model(body) == ""


def test_the_body_of_another_path_is_not_looked_at() -> None:
    assert described("/v1/files", json.dumps(CHAT).encode()).model == ""
    assert described("/v2/models/income/infer", json.dumps(CHAT).encode()).model == "income"
    assert described("/v2/models/income/generate", json.dumps(CHAT).encode()).model == "income"


def test_the_list_of_models_is_no_prediction() -> None:
    for path in ("/openai/v1/models", "/openai/v1/models/llama-3"):
        assert describe(capture(path, method="GET"), 1, Origin("/test", "me")) is None
