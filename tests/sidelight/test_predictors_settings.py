from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidelight.config import load
from sidelight.config.files import require_files
from sidelight.config.services import upstream
from sidelight.config.settings import PredictorSettings
from sidelight.errors import ConfigError


def loaded(path: Path, predictor: str) -> Any:
    path.write_text(f"models: {{m: {{predictor: {predictor}}}}}\n")
    return load(path, environ={})


def refusal(path: Path, predictor: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(path, predictor)
    return str(caught.value).removeprefix(f"{path}:1: models.m.predictor: ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sidelight.yaml"


@pytest.mark.parametrize(
    ("given", "protocol", "tensors"),
    [
        ({"url": "http://h"}, "v2", "json"),
        ({"url": "http://h", "protocol": "v1"}, "v1", "json"),
        ({"url": "http://h", "tensors": "binary"}, "v2", "binary"),
        ({"url": "grpc://h:1"}, "grpc", "raw"),
        ({"url": "grpcs://h:1", "tensors": "typed"}, "grpc", "typed"),
        ({"url": "h:1", "protocol": "grpc"}, "grpc", "raw"),
    ],
)
def test_tensors_travel_as_the_protocol_has_it(
    given: dict[str, Any], protocol: str, tensors: str
) -> None:
    settings = PredictorSettings(**given)
    assert (settings.protocol, settings.form_of_tensors) == (protocol, tensors)


@pytest.mark.parametrize(
    ("predictor", "told"),
    [
        (
            "{url: 'http://h', protocol: v1, tensors: binary}",
            "v1 has no 'binary' tensors; write json",
        ),
        ("{url: 'http://h', tensors: raw}", "v2 has no 'raw' tensors; write json or binary"),
        ("{url: 'grpc://h:1', tensors: json}", "grpc has no 'json' tensors; write raw or typed"),
        (
            "{url: 'grpc://h:1', protocol: v2}",
            "'grpc://h:1' speaks gRPC, not v2; leave 'protocol' out",
        ),
        (
            "{url: 'http://h:1', protocol: grpc}",
            "'http://h:1' is no gRPC address; write grpc://HOST:PORT or grpcs://",
        ),
        *(
            (
                f"{{url: '{url}', protocol: grpc}}",
                f"{url!r} is no gRPC address; write grpc://HOST:PORT or grpcs://",
            )
            for url in ("grpc://h", "grpc://h:70000", "grpc://h:1/path", "grpc://", "grpc://u@h:1")
        ),
        ("{url: 'h:1'}", "'h:1' is no address of HTTP; write http:// or https:// first"),
        (
            "{url: 'http://h', ca_file: c}",
            "'http://h' uses no certificates; write https:// or grpcs://",
        ),
        (
            "{url: 'https://h', key_file: k}",
            "'key_file' needs the certificate it belongs to; set 'cert_file'",
        ),
    ],
)
def test_settings_that_do_not_fit_together_say_what_to_write(
    file: Path, predictor: str, told: str
) -> None:
    assert refusal(file, predictor) == told


def test_certificates_that_are_not_there_are_named(file: Path) -> None:
    found = loaded(file, "{url: 'grpcs://h:1', ca_file: ca.pem}")
    with pytest.raises(ConfigError, match=r"predictor\.ca_file: there is no file .*ca\.pem"):
        require_files(found)


def test_the_logger_stands_before_no_grpc_server(file: Path) -> None:
    assert upstream(loaded(file, "{url: 'grpc://h:1'}").settings) is None
    assert upstream(loaded(file, "{url: 'http://h:1'}").settings) == "http://h:1"


@pytest.mark.parametrize("setting", ["token_file", "artifact"])
def test_files_of_a_servers_predictor_that_are_not_there_are_named(
    file: Path, setting: str
) -> None:
    found = loaded(file, f"{{url: 'http://h', {setting}: gone}}")
    with pytest.raises(ConfigError, match=rf"predictor\.{setting}: there is no file .*gone"):
        require_files(found)
