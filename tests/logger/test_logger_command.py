"""The command's flags: what they set, and what is refused before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sidelight.config import load
from sidelight.config.settings import LoggerSettings, SinkSettings
from sidelight.errors import ConfigError
from sidelight_logger import command, running
from sidelight_logger.parts import RECORDER, Part, part_of
from sidelight_logger.recorder.process import extensions


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the command hands to `run`."""
    seen: dict[str, Any] = {}

    def run(config: Path | None, flags: Mapping[str, Any], grace_seconds: float) -> int:
        seen.update(config=config, flags=flags, grace_seconds=grace_seconds)
        return 0

    monkeypatch.setattr(running, "run", run)
    return seen


def invoke(*args: str) -> Any:
    return CliRunner().invoke(command.app, list(args))


def test_kserves_flags_set_our_settings(given: dict[str, Any], tmp_path: Path) -> None:
    result = invoke(
        *("--port", "9081", "--component-port", "8080", "--log-url", "http://sink/"),
        *("--log-mode", "request", "--source-uri", "http://pod/", "--inference-service", "income"),
        *("--namespace", "prod", "--endpoint", "default", "--component", "transformer"),
        *("--metadata-headers", "X-A,X-B"),
    )
    assert result.exit_code == 0, result.output
    settings = load(None, given["flags"], {}).settings.logger
    assert settings == LoggerSettings(
        listen="0.0.0.0:9081",
        upstream="http://127.0.0.1:8080",
        mode="request",
        source="http://pod/",
        headers=("X-A", "X-B"),
        inference_service="income",
        namespace="prod",
        component="transformer",
        endpoint="default",
        sinks={"kserve": SinkSettings(url="http://sink/")},
    )


def test_flags_that_are_not_given_set_nothing(given: dict[str, Any]) -> None:
    assert invoke("--upstream", "http://127.0.0.1:1").exit_code == 0
    assert given["flags"] == {"logger.upstream": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    "flags",
    [
        ("--listen", "127.0.0.1:1", "--port", "1"),
        ("--upstream", "http://127.0.0.1:1", "--component-port", "1"),
    ],
)
def test_two_flags_that_say_the_same_are_refused(
    given: dict[str, Any], flags: tuple[str, ...]
) -> None:
    result = invoke(*flags)
    assert result.exit_code == 2
    assert "say the same" in result.output
    assert not given


def test_an_address_in_use_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = {"logger.listen": address, "logger.upstream": "http://127.0.0.1:1"}
        with pytest.raises(ConfigError, match=f"logger.listen: cannot listen on {address}"):
            running.run(None, flags, 1.0)


def test_an_upstream_that_is_missing_or_no_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="upstream"):
        running.run(None, {"logger.listen": "127.0.0.1:0"}, 1.0)
    with pytest.raises(ConfigError, match="ftp://x"):
        running.run(None, {"logger.upstream": "ftp://x"}, 1.0)


def test_a_part_is_told_what_it_needs_in_one_argument() -> None:
    part = Part(None, "/run/s", "127.0.0.1:1", "http://x/", 3.0, {"logger.headers": ["a"]}, 5, 6)
    assert part_of(part.command(RECORDER)[2:]) == part


def test_kserves_names_are_told_also_when_they_are_empty() -> None:
    assert extensions(LoggerSettings(namespace="prod")) == {
        "inferenceservicename": "",
        "namespace": "prod",
        "component": "predictor",
        "endpoint": "",
    }
