"""Who may call the explain service: the token, over HTTP and gRPC, and certificates of callers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from pydantic import ValidationError

from sidelight.config import load
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.listing import in_force
from sidelight.errors import ConfigError
from sidelight_explainers.service.app import create_app
from tests.explainers.explaining_services import ROW, V1, V2, model, service
from tests.ports import free_port

BODY = {"instances": [ROW]}
TOKEN = "s3cret-t0ken"
SHOWN = {"authorization": f"Bearer {TOKEN}"}
CLOSED = ("/openapi.json", "/v1/models", "/v2", "/v2/models/m", "/jobs/x", "/metrics/")
SERVICE = "/inference.GRPCInferenceService"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer s3cret-t0ke"},
        {"authorization": "Bearer s3cret-t0ken2"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": "Bearer \xff".encode("latin-1")},
        [("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer other")],
    ],
)
def test_who_does_not_show_the_token_is_refused_everywhere_but_at_health_and_metrics(
    headers: Any,
) -> None:
    with service(model(), token=TOKEN) as client:
        refused = [client.get(path, headers=headers) for path in CLOSED]
        refused += [client.post(path, headers=headers, json=BODY) for path in (V1, V2)]
        for answer in refused:
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            assert "s3cret" not in answer.text
        for path in ("/", "/metrics", "/v2/health/live"):
            told = client.get(path, headers=headers)
            assert told.status_code == 200
            assert "s3cret" not in told.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
def test_the_token_opens_all(scheme: str) -> None:
    with service(model(), token=TOKEN) as client:
        headers = {"authorization": f"{scheme} {TOKEN}"}
        assert client.post(V1, headers=headers, json=BODY).status_code == 200
        assert client.get("/v1/models", headers=headers).status_code == 200
        assert client.get("/nowhere", headers=headers).status_code == 404


def test_a_refused_body_is_not_read() -> None:
    with service(model(), token=TOKEN, max_body=100) as client:
        assert client.post(V1, content=b"x" * 1_000_000).status_code == 401


def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    with service(model(), token_file=file) as client:

        def code(token: str) -> int:
            headers = {"authorization": f"Bearer {token}"}
            return client.get("/v1/models", headers=headers).status_code

        assert code("first") == 200
        other = tmp_path / "other"
        other.write_text("second")
        os.replace(other, file)
        assert (code("first"), code("second")) == (401, 200)
        file.unlink()
        lost = client.get("/v1/models", headers={"authorization": "Bearer second"})
        assert lost.status_code == 503
        assert str(tmp_path) not in lost.text


def test_the_token_holds_over_grpc() -> None:
    address = f"127.0.0.1:{free_port()}"
    with (
        service(model(), token=TOKEN, grpc_listen=address),
        grpc.insecure_channel(address) as channel,
    ):
        for name in ("ServerLive", "ServerReady"):
            assert channel.unary_unary(f"{SERVICE}/{name}")(b"", timeout=30) is not None
        server = channel.unary_unary(f"{SERVICE}/ServerMetadata")
        for metadata in ((), [("authorization", "Bearer no")]):
            with pytest.raises(grpc.RpcError) as caught:
                server(b"", timeout=30, metadata=metadata)
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "s3cret" not in caught.value.details()
        assert server(b"", timeout=30, metadata=list(SHOWN.items()))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "s3cret", "token_file": "x"}, "one of 'token' and 'token_file'"),
        ({"token": ""}, "is empty"),
        ({"token": "s3cret word"}, "no header can hold"),
        ({"client_ca_file": "ca.pem"}, "needs TLS"),
    ],
)
def test_settings_that_cannot_be_are_refused_and_show_no_token(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        ExplainersSettings.model_validate(settings)
    file = tmp_path / "sidelight.yaml"
    lines = [f"  {name}: '{value}'" for name, value in settings.items()]
    file.write_text("\n".join(["explainers:", *lines]))
    with pytest.raises(ConfigError, match=words) as caught:
        load(file, environ={})
    assert "s3cret" not in str(caught.value)


def test_the_token_is_not_shown_among_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text(f"explainers: {{token: {TOKEN}}}")
    loaded = load(file, environ={})
    assert TOKEN not in repr(loaded.settings)
    assert TOKEN not in repr(in_force(loaded))


def test_a_file_without_a_token_is_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret words")
    with pytest.raises(ConfigError, match=r"explainers\.token_file") as caught:
        create_app({}, ExplainersSettings(token_file=file))
    assert "s3cret" not in str(caught.value)
