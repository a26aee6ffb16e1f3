"""What a newcomer writes wrong is told in a line that names it, and ends with 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sidelight.config import Settings
from tests.sidelight.test_command import run

_QUIET = {"listen": "127.0.0.1:0", "metrics": "127.0.0.1:0", "upstream": "http://127.0.0.1:9"}


def refused(folder: Path, **settings: object) -> str:
    """What `sidelight logger` says of this configuration, beside its banner and its own log."""
    path = folder / "sidelight.yaml"
    path.write_text(json.dumps(settings))
    command = [sys.executable, "-m", "sidelight.command", "logger", "--config", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return "\n".join(one for one in ended.stderr.splitlines() if one.startswith("sidelight: "))


def test_a_key_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    rules = {"columns": {"age": "hash"}, "key_file": "absent.key"}
    told = refused(tmp_path, logger={**_QUIET, "redact": rules})
    place = f"{tmp_path / 'sidelight.yaml'}:1: logger.redact.key_file"
    assert told.startswith(f"sidelight: {place}: {tmp_path / 'absent.key'} cannot be read")


@pytest.mark.parametrize("sinks", [{}, {"folder": {"url": "memory:///somewhere"}}])
def test_a_log_that_is_a_file_ends_all_in_a_line(tmp_path: Path, sinks: dict[str, object]) -> None:
    (tmp_path / "notes").write_text("mine")
    told = refused(tmp_path, log=str(tmp_path / "notes"), logger={**_QUIET, "sinks": sinks})
    assert f"{tmp_path / 'notes'} is a file; name a folder" in told


@pytest.mark.parametrize(
    ("logger", "told"),
    [
        ({"upstream": "127.0.0.1:8080"}, "write http://host:port"),
        (
            {"upstream": "https://m.example"},
            "TLS is not spoken to it; name the model server's port",
        ),
        ({"upstream": "grpc://127.0.0.1:8081"}, "name it as logger.grpc_upstream"),
        ({"upstream": "http://127.0.0.1:1", "grpc_upstream": "grpcs://m:1"}, "TLS is not spoken"),
        ({"upstream": "http://127.0.0.1:1", "capture": "features"}, "models.<model>.features"),
        ({"upstream": "http://127.0.0.1:1", "headers": "x-team"}, "should be a list, as [a, b]"),
    ],
)
def test_check_refuses_what_the_logger_would(
    tmp_path: Path, logger: dict[str, object], told: str
) -> None:
    (tmp_path / "sidelight.yaml").write_text(json.dumps({"logger": logger}))
    ended = run("check", cwd=tmp_path)
    assert ended.returncode == 2
    [line] = ended.stderr.splitlines()
    assert line.startswith("sidelight: sidelight.yaml:1: logger.")
    assert told in line


def test_a_predictor_behind_tls_is_no_fault_where_nothing_is_forwarded() -> None:
    settings = {"models": {"m": {"predictor": {"url": "https://m.example"}}}}
    assert Settings.model_validate(settings)
