from __future__ import annotations

from pathlib import Path

from tests.sidelight.test_command import run


def test_check_prints_what_is_in_force_and_where_it_came_from(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("x\n1\n")
    (tmp_path / "sidelight.yaml").write_text(
        "models: {m: {reference: r.csv, detectors: {outlier: {}}}}\n"
        'logger: {upstream: "http://127.0.0.1:1", sinks: {s: {url: "http://x", token: hush}}}\n'
    )
    ended = run("check", cwd=tmp_path, SIDELIGHT_LOGGER__MODE="request")
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert ["models.m.reference", "r.csv", "sidelight.yaml:1"] in lines
    assert ["logger.sinks.s.token", "***", "sidelight.yaml:2"] in lines
    assert ["logger.mode", "request", "environment", "SIDELIGHT_LOGGER__MODE"] in lines
    assert ["detectors.run_rows", "250", "default"] in lines
    assert ["services", "logger,", "detectors,", "dashboard"] in lines
    assert ["extra", "detectors", "installed"] in lines
    assert "sidelight.db lies on " in ended.stdout
    assert "hush" not in ended.stdout


def test_check_tells_all_errors_and_exits_2(tmp_path: Path) -> None:
    (tmp_path / "sidelight.yaml").write_text("lgo: x\nlogger: {mod: x}\n")
    ended = run("check", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "sidelight: sidelight.yaml:1: lgo: there is no such setting; did you mean log?",
        "sidelight: sidelight.yaml:2: logger.mod: there is no such setting; "
        "did you mean logger.mode?",
    ]


def test_check_tells_which_files_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "sidelight.yaml").write_text("models:\n  m: {reference: r.csv}\n")
    ended = run("check", cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == (
        "sidelight: sidelight.yaml:2: models.m.reference (r.csv): there is no such file\n"
    )


def test_check_prints_the_schema(tmp_path: Path) -> None:
    import json

    ended = run("check", "--schema", cwd=tmp_path)
    assert json.loads(ended.stdout)["title"] == "sidelight.yaml"


def test_check_works_without_a_file(tmp_path: Path) -> None:
    ended = run("check", cwd=tmp_path)
    assert ended.returncode == 0
    assert "no configuration file" in ended.stdout


def test_check_tells_of_the_extra_that_a_log_on_kafka_needs(tmp_path: Path) -> None:
    (tmp_path / "sidelight.yaml").write_text("log: kafka://broker:9092/watch\n")
    lines = [line.split() for line in run("check", cwd=tmp_path).stdout.splitlines()]
    assert ["log", "kafka://broker:9092/watch"] in lines
    assert ["extra", "kafka", "installed"] in lines
