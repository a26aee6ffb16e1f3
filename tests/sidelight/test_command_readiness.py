"""When `sidelight up` takes its services for ready."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidelight.command.readiness import when_ready
from sidelight.config.settings import Settings
from tests.sidelight.kafka_security import Authority

READY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
WARMING = READY.replace(b"200 OK", b"503 No")


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """An authority, and a certificate of another name than the address, with its key."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.create()
    return (authority.certificate, *authority.sign("explainers.example"))


@contextmanager
def serving(context: ssl.SSLContext, *answers: bytes) -> Iterator[str]:
    """A server over TLS that gives these answers, one a connection; the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for one in answers:
                with listening.accept()[0] as plain, context.wrap_socket(plain, True) as safe:
                    safe.recv(4096)
                    safe.sendall(one)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.join(30)


def is_ready(**explainers: object) -> bool:
    told: list[float] = []
    settings = Settings.model_validate({"explainers": explainers})
    when_ready(settings, ["explainers"], told.append).join(30)
    return len(told) == 1


def test_a_service_over_tls_is_ready_when_it_says_so(certified: tuple[Path, Path, Path]) -> None:
    _, certificate, key = certified
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context, WARMING, READY) as listen:
        assert is_ready(listen=listen, cert_file=certificate, key_file=key)


def test_a_service_for_certified_callers_is_ready_when_it_listens(
    certified: tuple[Path, Path, Path],
) -> None:
    authority, certificate, key = certified
    files = {"cert_file": certificate, "key_file": key, "client_ca_file": authority}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert is_ready(listen=f"127.0.0.1:{listening.getsockname()[1]}", **files)
