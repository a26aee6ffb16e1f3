"""The logger's spool and sink, and the store: what is in force and what is refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from sidelight.command.check import report
from sidelight.config import Settings, load
from sidelight.config.capturing.sink_packages import missing_packages, require_packages
from sidelight.config.services import recorded
from sidelight.errors import ConfigError, MissingExtra

UPSTREAM = "logger: {upstream: 'http://127.0.0.1:8080'"


def written(folder: Path, text: str) -> Path:
    path = folder / "sidelight.yaml"
    path.write_text(text)
    return path


def test_the_logger_writes_a_local_log_itself() -> None:
    settings = Settings.model_validate({"log": "here.db"})
    assert recorded(settings) == settings.log


def test_before_a_log_on_kafka_the_logger_writes_a_spool_beside_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "log: {url: 'kafka://h:1/p', partitions: 6, durability: power}\n")
    spool = recorded(load(path, environ={}).settings)
    assert spool.url == str(tmp_path / "sidelight.spool")
    assert (spool.partitions, spool.durability) == (1, "power")
    path = written(tmp_path, f"log: kafka://h:1/p\n{UPSTREAM}, spool: s, spool_bytes: 2097152}}")
    spool = recorded(load(path, environ={}).settings)
    assert (spool.url, spool.retain_bytes) == (str(tmp_path / "s"), 2 << 20)
    assert spool.segment_bytes <= 2 << 20


def test_check_tells_the_spool_where_the_log_is_on_kafka(tmp_path: Path) -> None:
    local = report(load(written(tmp_path, f"{UPSTREAM}}}"), environ={}))
    assert not any(line.startswith("spool") for line in local)
    path = written(tmp_path, f"log: kafka://h:1/p\n{UPSTREAM}}}")
    lines = [line for line in report(load(path, environ={})) if line.startswith("spool")]
    [line] = lines
    assert f"{tmp_path}/sidelight.spool lies on" in line


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"logger.sinks.s.url": "kafka://h:1"}, r"logger\.sinks\.s\.url is .* names no topic"),
        (
            {"logger.sinks.s.url": "kafka://h:1/a b"},
            r"url is .*'a b' may hold letters",
        ),
        (
            {"logger.sinks.s.url": "h:1"},
            r"logger\.sinks\.s\.url: 'h:1' has no scheme; write http://",
        ),
        ({"logger.sinks.s.url": "ftp://h/x"}, r"s\.url: there is no sink of the kind 'ftp'; write"),
        ({"logger.sinks.s.url": "s3:///x"}, r"s\.url: 's3:///x' names no host or bucket; write"),
        ({"logger.sinks.s.url": "file://x"}, r"s\.url: 'file://x' does not begin at the root"),
        ({"logger.sinks.s.url": "otlp+http://h:4318"}, r"names no path, .* at /v1/traces; write"),
        ({"logger.sinks.log.url": "http://h/"}, r"sinks\.log: 'log' is the log's own name; choose"),
        (
            {
                "logger.sinks.s.url": "http://h/",
                "logger.sinks.s.form": "exchange",
                "logger.sinks.s.connections": 8,
            },
            r"sinks\.s\.connections is 8, but .* one after the other",
        ),
        (
            {"logger.sinks.s.url": "kafka://h:1/t", "logger.sinks.s.kafka.username": "sue"},
            r"s\.kafka\.username: PLAINTEXT logs nobody in; set logger\.sinks\.s\.kafka\.",
        ),
        ({"log.store": "/bodies"}, r"log\.store is '/bodies'; write file:///FOLDER"),
    ],
)
def test_what_cannot_work_is_refused_where_it_stands(
    settings: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(None, {"logger.upstream": "http://127.0.0.1:8080", **settings}, environ={})


def test_a_sink_whose_package_is_missing_is_told_and_refused(tmp_path: Path) -> None:
    path = written(tmp_path, f"{UPSTREAM}, sinks: {{there: {{url: 's3://bucket'}}}}}}")
    loaded = load(path, environ={})
    if find_spec("s3fs") is not None:
        pytest.skip("s3fs is installed here")
    [line] = [line for line in report(loaded) if line.startswith("sink there")]
    assert "needs s3fs; run: pip install s3fs" in line
    with pytest.raises(MissingExtra, match=r"logger\.sinks\.there needs s3fs"):
        require_packages(loaded.settings)


def test_a_folder_needs_no_package() -> None:
    flags = {"logger.upstream": "http://h:1", "logger.sinks.there.url": "file:///tmp/x"}
    assert not list(missing_packages(load(None, flags, environ={}).settings))


def test_the_sinks_login_is_apart_from_the_logs() -> None:
    flags = {
        "logger.upstream": "http://127.0.0.1:8080",
        "log.url": "kafka://h:1/p",
        "logger.sinks.s.url": "kafka://other:1/t",
        "logger.sinks.s.kafka.security_protocol": "ssl",
    }
    settings = load(None, flags, environ={}).settings
    assert settings.logger.sinks["s"].kafka.security_protocol == "SSL"
    assert settings.log.kafka.security_protocol == "PLAINTEXT"


def test_statuses_may_be_written_as_numbers(tmp_path: Path) -> None:
    only = "only: {statuses: [404, 5xx, none]}"
    path = written(tmp_path, f"{UPSTREAM}, sinks: {{s: {{url: 'http://h/', {only}}}}}}}")
    sink = load(path, environ={}).settings.logger.sinks["s"]
    assert sink.only.statuses == ("404", "5xx", "none")


@pytest.mark.parametrize("status", ["600", "5x", "5xxx", "true"])
def test_what_is_no_status_is_refused_with_what_is(tmp_path: Path, status: str) -> None:
    path = written(
        tmp_path,
        f"{UPSTREAM}, sinks: {{s: {{url: 'http://h/', only: {{statuses: [{status}]}}}}}}}}",
    )
    with pytest.raises(ConfigError, match="is no status; write 404, 5xx or none"):
        load(path, environ={})
