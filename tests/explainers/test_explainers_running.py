"""The service as a process, in front of KServe's own server, as KServe would start it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any

import grpc  # type: ignore[import-untyped]
import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from sidelight.protocols import v2_grpc
from sidelight.tensors import Column, Columns
from tests import peers
from tests.explainers.serving import served
from tests.ports import free_port
from tests.sidelight.kafka_security import Authority

WEIGHTS = [1.0, -2.0, 0.5]
BACKGROUND = np.random.default_rng(0).normal(size=(30, 3))
ROW = [0.5, -1.0, 2.0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["a,b,c", *(",".join(map(repr, row)) for row in BACKGROUND.tolist())]
    (tmp_path / "reference.csv").write_text("\n".join(lines))
    return tmp_path


@contextmanager
def running(
    folder: Path, *argv: str, trusted: SSLContext | None = None
) -> Iterator[tuple[str, Any]]:
    """The address of the command's service, which is ready, and its process."""
    port = free_port()
    listen = ["--listen", "127.0.0.1:0", "--http_port", str(port)]
    command = [sys.executable, "-m", "sidelight.command", "explainers", *listen, *argv]
    words = folder / "stderr"
    with words.open("w") as stderr:
        process = subprocess.Popen(command, cwd=folder, stderr=stderr)
    url = f"{'http' if trusted is None else 'https'}://127.0.0.1:{port}"
    try:
        while not _is_ready(url, trusted):
            assert process.poll() is None, words.read_text()
            time.sleep(0.05)
        yield url, process
    finally:
        process.kill()
        process.wait()


def _is_ready(url: str, trusted: SSLContext | None) -> bool:
    verify = trusted or False
    try:
        return httpx.get(f"{url}/v2/health/ready", timeout=5, verify=verify).status_code == 200
    except httpx.TransportError:
        return False


def test_kserves_arguments_explain_a_model_behind_kserves_server(folder: Path) -> None:
    with peers.kserve_server("linear", WEIGHTS, 0.25) as server:
        rpc = free_port()
        argv = ["--model_name", "linear", "--predictor_host", server.http.removeprefix("http://")]
        argv += ["--reference", "reference.csv", "--grpc_port", str(rpc), "--max_threads", "2"]
        (folder / "sidelight.yaml").write_text("models: {linear: {predictor: {form: matrix}}}")
        with running(folder, *argv) as (url, process):
            body = {"instances": [ROW]}
            told = httpx.post(f"{url}/v1/models/linear:explain", json=body, timeout=60).json()
            shares = [
                one["contribution"] for one in told["explanations"][0]["data"]["attributions"]
            ]
            expected = WEIGHTS * (np.array(ROW) - BACKGROUND.mean(axis=0))
            np.testing.assert_allclose(shares, expected, atol=1e-8)
            rows = Columns((Column("x", np.array([ROW])),))
            with grpc.insecure_channel(f"127.0.0.1:{rpc}") as channel:
                infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
                answer = v2_grpc.decode_response(infer(v2_grpc.encode_request(rows, "linear")))
            assert len(answer["explanation"].values) == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_a_stream_of_a_job_does_not_hold_the_service_when_it_is_told_to_stop(folder: Path) -> None:
    app = FastAPI()

    @app.post("/v1/models/{model}:predict")
    async def never(model: str) -> None:
        await asyncio.sleep(5)

    with served(app) as url:
        argv = ["--model_name", "m", "--predictor_host", url, "--reference", "reference.csv"]
        with running(folder, *argv) as (service, process):
            begun = httpx.post(
                f"{service}/v1/models/m:explain",
                json={"instances": [ROW]},
                headers={"prefer": "respond-async"},
            )
            place = begun.headers["location"]
            with httpx.stream("GET", f"{service}{place}/events", timeout=60) as stream:
                process.send_signal(signal.SIGTERM)
                assert "event: cancelled" in stream.read().decode()
            assert process.wait(20) == 0


def test_tls_holds_for_http_and_grpc(folder: Path) -> None:
    authority = Authority(folder / "authority")
    authority.create()
    certificate, key = authority.sign("service")
    rpc = free_port()
    argv = ["--model_name", "m", "--predictor_host", "127.0.0.1:1", "--reference", "reference.csv"]
    argv += ["--ssl_certfile", str(certificate), "--ssl_keyfile", str(key)]
    trusted = create_default_context(cafile=authority.certificate)
    with running(folder, *argv, "--grpc_port", str(rpc), trusted=trusted):
        credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
        with grpc.secure_channel(f"127.0.0.1:{rpc}", credentials) as channel:
            live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
            assert live(b"", timeout=30)


def test_only_callers_with_a_certificate_are_served_where_an_authority_of_theirs_is_named(
    folder: Path,
) -> None:
    authority = Authority(folder / "authority")
    authority.create()
    certificate, key = authority.sign("service")
    caller = authority.sign("caller")
    told = {"client_ca_file": str(authority.certificate)}
    (folder / "sidelight.yaml").write_text(json.dumps({"explainers": told}))
    rpc = free_port()
    argv = ["--model_name", "m", "--predictor_host", "127.0.0.1:1", "--reference", "reference.csv"]
    argv += ["--ssl_certfile", str(certificate), "--ssl_keyfile", str(key), "--grpc_port", str(rpc)]
    shown = create_default_context(cafile=authority.certificate)
    shown.load_cert_chain(*caller)
    with running(folder, *argv, trusted=shown) as (url, _):
        with pytest.raises(httpx.TransportError):
            httpx.get(url, verify=create_default_context(cafile=authority.certificate))
        trusted = authority.certificate.read_bytes()
        pair = caller[1].read_bytes(), caller[0].read_bytes()
        for files, is_served in (((trusted, *pair), True), ((trusted,), False)):
            credentials = grpc.ssl_channel_credentials(*files)
            with grpc.secure_channel(f"127.0.0.1:{rpc}", credentials) as channel:
                live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
                if is_served:
                    assert live(b"", timeout=30)
                    continue
                with pytest.raises(grpc.RpcError) as caught:
                    live(b"", timeout=30)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
