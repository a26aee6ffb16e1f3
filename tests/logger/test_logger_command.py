"""The command's flags: what they set, and what is refused before anything starts."""

from __future__ import annotations

import dataclasses
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st
from typer.testing import CliRunner

from sidelight.config import Listen, load
from sidelight.config.capturing.sinks import FilesSettings
from sidelight.config.settings import LoggerSettings, SinkSettings
from sidelight.errors import ConfigError
from sidelight_logger import command, running
from sidelight_logger.agent import meaning, spelling
from sidelight_logger.agent.flags import AgentFlags
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


INJECTED = (
    *("--log-url", "http://broker/", "--source-uri", "", "--log-mode", "all"),
    *("--inference-service", "income", "--namespace", "prod", "--endpoint", ""),
    *("--component", "predictor", "--logger-tls-skip-verify", "false", "--component-port", "8080"),
)
"""What KServe's webhook writes (v0.20, pkg/webhook/admission/pod/agent_injector.go)."""


def settings_with(given: dict[str, Any], *flags: str) -> LoggerSettings:
    result = invoke(*flags)
    assert result.exit_code == 0, result.output
    return load(None, given["flags"], {}).settings.logger


def test_what_kserves_webhook_writes_makes_the_logger_its_agent(given: dict[str, Any]) -> None:
    settings = settings_with(given, *INJECTED)
    listen, metrics = Listen.parse(settings.listen), Listen.parse(settings.metrics)
    assert (listen.port, metrics.port) == (9081, 9089)
    assert {listen.host, metrics.host} <= {"::", "0.0.0.0"}
    assert settings == LoggerSettings(
        listen=settings.listen,
        metrics=settings.metrics,
        upstream="http://127.0.0.1:8080",
        mode="all",
        quiet_seconds=30.0,
        inference_service="income",
        namespace="prod",
        component="predictor",
        endpoint="",
        sinks={"kserve": SinkSettings(url="http://broker/")},
    )


def test_the_agents_other_flags_set_our_settings(given: dict[str, Any]) -> None:
    settings = settings_with(
        given,
        *("--port=9000", "--component-port=9001", "--metrics-port=9002", "-log-mode=request"),
        *("-log-url", "s3://bucket/logs", "--log-store-path", "payloads", "--workers", "5"),
        *(
            "--log-store-format",
            "parquet",
            "--log-batch-size",
            "50",
            "--log-batch-interval",
            "1m30s",
        ),
        *("--metadata-headers", "X-A, x-b", "--metadata-headers=X-C", "--logger-tls-skip-verify"),
        *("--metadata-annotations", "team=risk,say=a,b=c", "--log-marshaller-port=9083"),
    )
    assert [Listen.parse(at).port for at in (settings.listen, settings.metrics)] == [9000, 9002]
    assert settings.upstream == "http://127.0.0.1:9001"
    assert settings.kserve_metrics
    assert settings.mode == "request"
    assert settings.headers == ("X-A", "x-b", "X-C")
    assert settings.annotations == {"team": "risk", "say": "a", "b": "c"}
    files = FilesSettings(format="parquet", path="payloads", batch_records=50, batch_seconds=90.0)
    sink = SinkSettings(url="s3://bucket/logs", connections=5, verify=False, files=files)
    assert settings.sinks == {"kserve": sink}


def test_grpc_has_flags_of_its_own(given: dict[str, Any]) -> None:
    flags = ("--grpc-listen", "127.0.0.1:0", "--grpc-upstream", "127.0.0.1:8081")
    settings = settings_with(given, "--upstream", "http://127.0.0.1:8080", *flags)
    assert (settings.grpc_listen, settings.grpc_upstream) == ("127.0.0.1:0", "127.0.0.1:8081")


def test_a_configuration_that_kserve_mounts_with_the_certificates_is_read(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "CERTIFICATES", tmp_path)
    file = tmp_path / "sidelight.yaml"
    file.write_text("logger: {return_request_id: false}")
    assert invoke(*INJECTED).exit_code == 0
    assert given["config"] == file
    assert invoke("--upstream", "http://127.0.0.1:8080").exit_code == 0
    assert given["config"] is None, "nobody but the agent looks there"


def test_an_annotations_value_may_hold_a_comma(given: dict[str, Any]) -> None:
    settings = settings_with(given, *INJECTED, "--metadata-annotations", "owners=ann,bob,team=risk")
    assert settings.annotations == {"owners": "ann,bob", "team": "risk"}


@pytest.mark.parametrize(
    ("flags", "verify"),
    [
        (("--logger-tls-skip-verify", "false"), True),
        (("--logger-tls-skip-verify=false",), True),
        (("--logger-tls-skip-verify", "TRUE"), False),
        (("--logger-tls-skip-verify",), False),
        (("--logger-tls-skip-verify", "--log-mode", "all"), False),
    ],
)
def test_certificates_are_checked_unless_the_switch_says_otherwise(
    given: dict[str, Any], flags: tuple[str, ...], verify: bool
) -> None:
    settings = settings_with(given, "--component-port=1", "--log-url", "https://sink/", *flags)
    assert settings.sinks["kserve"].verify is verify


def test_certificates_that_kserve_mounts_are_taken_when_they_are_there(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "CERTIFICATES", tmp_path)
    assert settings_with(given, *INJECTED).sinks["kserve"].ca_file is None
    for name, flags in (("service-ca.crt", ()), ("own.crt", ("--logger-ca-cert-file", "own.crt"))):
        (tmp_path / name).touch()
        settings = settings_with(given, *INJECTED, *flags)
        assert settings.sinks["kserve"].ca_file == tmp_path / name


def test_without_a_sink_the_log_alone_is_written(given: dict[str, Any]) -> None:
    flags = ("--component-port", "8080", "--log-url", "", "--logger-tls-skip-verify", "false")
    assert settings_with(given, *flags).sinks == {}


def test_what_the_agent_has_by_default_gives_way_to_file_and_environment(
    given: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text("logger: {listen: '127.0.0.1:7000', quiet_seconds: 1}")
    monkeypatch.setenv("SIDELIGHT_LOGGER__METRICS", "127.0.0.1:7001")
    assert invoke("--config", str(file), *INJECTED).exit_code == 0
    settings = load(file, given["flags"]).settings.logger
    assert settings.listen == "127.0.0.1:7000"
    assert settings.metrics == "127.0.0.1:7001"
    assert settings.quiet_seconds == 1
    assert settings.upstream == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("flags", "environ", "seconds"),
    [
        ((), {}, 15.0),
        (INJECTED, {}, 25.0),
        (INJECTED, {"REVISION_TIMEOUT_SECONDS": "300"}, 295.0),
        (INJECTED, {"REVISION_TIMEOUT_SECONDS": "2"}, 1.0),
        ((*INJECTED, "--grace-seconds", "7"), {"REVISION_TIMEOUT_SECONDS": "300"}, 7.0),
    ],
)
def test_the_grace_period_is_the_pods(
    given: dict[str, Any],
    flags: tuple[str, ...],
    environ: dict[str, str],
    seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REVISION_TIMEOUT_SECONDS", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert invoke(*flags).exit_code == 0
    assert given["grace_seconds"] == seconds


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            ("--enable-puller", "--config-dir", "/mnt/configs"),
            "--enable-puller: .* pulls no models",
        ),
        (("--model-dir", "/mnt/models"), "--model-dir: .* pulls no models"),
        (("--enable-batcher",), "--enable-batcher: .* does not batch; take 'batcher' out"),
        (("--max-batchsize", "32"), "--max-batchsize: .* does not batch"),
        (("--log-marshaller-url", "http://m/"), "--log-marshaller-url: .* 'marshallerUrl'"),
        (("--enable-batcher=maybe",), "--enable-batcher is 'maybe'; write true or false"),
        (("--log-url", "http://s/", "--logger-tls-skip-verify=2"), "is '2'; write true or false"),
        (("--log-url", "s3://b", "--log-batch-interval", "5"), "is '5'; write a duration"),
        (("--metadata-annotations", "team"), "'team' is no pair; write NAME=VALUE"),
    ],
)
def test_what_cannot_be_done_or_read_is_refused_with_the_way_out(
    given: dict[str, Any], flags: tuple[str, ...], told: str
) -> None:
    result = invoke("--component-port", "8080", *flags)
    assert isinstance(result.exception, ConfigError)
    assert re.search(told, str(result.exception)), result.exception
    assert not given


def test_switches_that_say_no_are_not_refused(given: dict[str, Any]) -> None:
    flags = ("--enable-puller=false", "--enable-batcher", "false", "--max-latency", "")
    assert settings_with(given, *INJECTED, *flags).upstream


def test_an_unknown_mode_or_format_is_refused_as_a_flag(given: dict[str, Any]) -> None:
    for flags in (("--log-mode", "some"), ("--log-store-format", "xml")):
        result = invoke(*INJECTED, *flags)
        assert isinstance(result.exception, ConfigError)
        assert f"flag: logger.{'mode' if 'some' in flags else 'sinks.kserve'}" in str(
            result.exception
        )


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("5s", 5), ("1h1m1.5s", 3661.5), ("250ms", 0.25), ("1us", 1e-6)]
)
def test_gos_durations_are_read(text: str, seconds: float) -> None:
    assert spelling.seconds("--log-batch-interval", text) == seconds


def test_the_help_names_the_agents_flags_and_hides_what_is_refused() -> None:
    text = invoke("--help").output
    assert "--component-port" in text
    assert "--log-store-format" in text
    assert "--enable-puller" not in text


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


def test_annotations_are_told_as_kserve_writes_them() -> None:
    settings = LoggerSettings(annotations={"team": "risk", "a": "b,c"})
    assert extensions(settings)["annotations"] == '{"a":"b,c","team":"risk"}'


FLAGS = st.sampled_from(["--log-url", "--enable-batcher", "--workers", "--logger-tls-skip-verify"])
WORDS = st.sampled_from(["", "true", "FALSE", "0", "http://x/", "a=b", "-1", "--"])


@given_any(st.lists(FLAGS | WORDS, max_size=8))
def test_whatever_is_written_every_switch_has_its_value_and_nothing_else_changes(
    arguments: list[str],
) -> None:
    written = spelling.spelt(arguments)
    switches = [one for one in arguments if one in spelling.SWITCHES]
    assert [one.partition("=")[0] for one in written if "=" in one and one != "a=b"] == switches
    assert not spelling.SWITCHES & set(written)
    rest = [one for one in written if one.partition("=")[0] not in spelling.SWITCHES]
    left = iter(one for one in arguments if one not in spelling.SWITCHES)
    assert all(one in left for one in rest), "in their order"


AGENTS = """
port component-port enable-puller config-dir model-dir log-url workers source-uri log-mode
log-store-path log-store-format log-marshaller-url log-marshaller-port log-batch-size
log-batch-interval inference-service namespace endpoint component metadata-headers
metadata-annotations enable-batcher max-batchsize max-latency probe-period logger-ca-cert-file
logger-tls-skip-verify
"""
"""All flags of KServe's agent (v0.20.0, cmd/agent/main.go)."""


def test_every_flag_of_the_agent_is_known_and_told() -> None:
    ours = {field.name.replace("_", "-") for field in dataclasses.fields(AgentFlags)}
    assert ours - {"metrics-port"} == set(AGENTS.split())
    page = (Path(__file__).parents[2] / "docs" / "kserve.md").read_text()
    assert not [name for name in ours if f"`--{name}`" not in page]
