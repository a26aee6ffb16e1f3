"""Where the proxy forwards to, from what the configuration says of model servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidelight.config import load
from sidelight.config.services import configured
from sidelight.errors import ConfigError
from sidelight_logger.servers import servers

HTTP = "m: {predictor: {url: 'http://127.0.0.1:8080'}}"
GRPC = "g: {predictor: {url: 'grpc://127.0.0.1:8081'}}"
BARE = "b: {predictor: {url: '127.0.0.1:8082', protocol: grpc}}"


def found(folder: Path, logger: str, *models: str) -> tuple[str, str] | None:
    """The authorities of HTTP/1 and HTTP/2."""
    text = f"logger: {{{logger}}}\nmodels:\n" + "".join(f"  {one}\n" for one in models)
    file = folder / "sidelight.yaml"
    file.write_text(text if models else f"logger: {{{logger}}}\n")
    loaded = load(file).settings
    assert "logger" in configured(loaded)
    behind = servers(loaded)
    return None if behind is None else (behind.http.authority, behind.grpc.authority)


@pytest.mark.parametrize(
    ("logger", "models", "http", "grpc"),
    [
        ("", [HTTP], 8080, 8080),
        ("", [GRPC], 8081, 8081),
        ("", [BARE], 8082, 8082),
        ("", [HTTP, GRPC], 8080, 8081),
        ("", [HTTP, GRPC, BARE], 8080, 8080),
        ("upstream: 'http://127.0.0.1:1'", [GRPC], 1, 8081),
        ("grpc_upstream: '127.0.0.1:2'", [HTTP, GRPC], 8080, 2),
        ("grpc_upstream: 'grpc://127.0.0.1:2'", [], 2, 2),
        ("grpc_upstream: 'http://127.0.0.1:2', upstream: 'http://127.0.0.1:1'", [], 1, 2),
    ],
)
def test_each_protocol_has_its_server(
    tmp_path: Path, logger: str, models: list[str], http: int, grpc: int
) -> None:
    assert found(tmp_path, logger, *models) == (f"127.0.0.1:{http}", f"127.0.0.1:{grpc}")


def test_a_model_server_that_logs_by_itself_is_not_forwarded_to(tmp_path: Path) -> None:
    assert found(tmp_path, "socket: logger.sock", HTTP, GRPC) is None
    told = "socket: logger.sock, grpc_upstream: '127.0.0.1:2'"
    assert found(tmp_path, told, HTTP) == ("127.0.0.1:2", "127.0.0.1:2")


@pytest.mark.parametrize("address", ["grpcs://h:1", "https://h:1", "h:1/path", "h:port"])
def test_an_address_that_cannot_be_joined_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=r"^upstream "):
        found(tmp_path, f"grpc_upstream: '{address}'")
