from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import ConfigError, PredictorError
from sidelight.predictors import open_predictor
from sidelight.protocols import v2
from sidelight.tensors import Columns
from tests.sidelight import grpc_servers
from tests.sidelight.kafka_security import Authority

ROWS = Columns.of(x=[1.0, 2.0, 3.0])
Serve = Callable[[Authority, bool], Any]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.create()
    return made


@contextmanager
def https(authority: Authority, asks_clients: bool) -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.certificate)
    context.load_cert_chain(*authority.sign("server"))
    context.verify_mode = ssl.CERT_REQUIRED if asks_clients else ssl.CERT_NONE
    server = HTTPServer(("127.0.0.1", 0), _Doubling)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.01,)).start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@contextmanager
def grpcs(authority: Authority, asks_clients: bool) -> Iterator[str]:
    certificate, key = authority.sign("server")
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())],
        authority.certificate.read_bytes(),
        require_client_auth=asks_clients,
    )
    with grpc_servers.serving(grpc_servers.doubled, credentials=credentials) as asked:
        yield f"grpcs://{asked.address}"


class _Doubling(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        column = v2.decode_request(body)["x"]
        answer = v2.encode_response(Columns.of(y=2 * column.values))
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None: ...


@pytest.mark.parametrize("serve", [https, grpcs])
def test_a_server_signed_by_our_authority_is_asked(authority: Authority, serve: Serve) -> None:
    with serve(authority, False) as url:
        answer = asked(url, ca_file=authority.certificate)
    assert answer["y"].values.tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize("serve", [https, grpcs])
def test_a_server_signed_by_nobody_we_know_is_not_asked(authority: Authority, serve: Serve) -> None:
    with serve(authority, False) as url, pytest.raises(PredictorError, match=url):
        asked(url)


@pytest.mark.parametrize("serve", [https, grpcs])
def test_a_server_that_asks_who_we_are_is_shown(authority: Authority, serve: Serve) -> None:
    certificate, key = authority.sign("client")
    whole = authority.folder / "whole.pem"
    whole.write_bytes(key.read_bytes() + certificate.read_bytes())
    with serve(authority, True) as url:
        asked(url, ca_file=authority.certificate, cert_file=certificate, key_file=key)
        asked(url, ca_file=authority.certificate, cert_file=whole)
        with pytest.raises(PredictorError, match=url):
            asked(url, ca_file=authority.certificate)


@pytest.mark.parametrize("scheme", ["https", "grpcs"])
def test_certificates_that_are_none_are_named(tmp_path: Path, scheme: str) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"models\.m\.predictor\.ca_file: .*text\.pem"):
        asked(f"{scheme}://127.0.0.1:9", ca_file=text)
    with pytest.raises(ConfigError, match=r"models\.m\.predictor\.cert_file: .*text\.pem"):
        asked(f"{scheme}://127.0.0.1:9", cert_file=text)


def asked(url: str, **settings: Any) -> Columns:
    predictor = open_predictor("m", PredictorSettings(url=url, retries=0, **settings))
    try:
        return predictor(ROWS)
    finally:
        predictor.close()
