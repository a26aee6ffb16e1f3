from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from sidelight import __version__
from sidelight.command import extras
from sidelight.errors import MissingExtra

HEAVY = ("numpy", "scipy", "pandas", "pyarrow", "sklearn", "shap", "fastapi", "uvicorn", "apsw")


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidelight.command", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def in_main(code: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """`main` in a process whose `check` command runs `code` instead."""
    program = f"""
import sys
from sidelight.command import check, main
def stand_in() -> None:
    {code}
check.check = stand_in
sys.argv = ["sidelight", "check"]
main.main()
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_is_light_and_names_every_command(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from sidelight.command.main import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "--help"],
        env={"PATH": os.environ["PATH"], "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(HEAVY) & set(ended.stderr.split()) == set()
    for command in (
        "demo",
        "up",
        "check",
        "log",
        "logger",
        "detectors",
        "explainers",
        "fit",
        "score",
    ):
        assert f" {command} " in ended.stdout


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout == f"sidelight {__version__}\n"


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(tmp_path: Path, flag: str) -> None:
    for command in ("up", "check", "log", "demo", "logger"):
        ended = run(command, flag, cwd=tmp_path)
        assert ended.returncode == 0
        assert f"Usage: sidelight {command}" in ended.stdout


def test_an_unknown_command_is_a_usage_error(tmp_path: Path) -> None:
    assert run("nothing", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ConfigError('a: b')", 2),
        ("MalformedPayload('a: b')", 2),
        ("DataMismatch('a: b')", 2),
        ("ArtifactError('a: b')", 2),
        ("NotEnoughData('a: b')", 2),
        ("LogError('a: b')", 1),
        ("PredictorError('a: b')", 1),
        ("MissingExtra('a: b')", 1),
    ],
)
def test_an_expected_error_is_one_line_and_an_exit_code(error: str, code: int) -> None:
    ended = in_main(f"from sidelight import errors; raise errors.{error}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", "sidelight: a: b\n")


def test_an_unexpected_error_keeps_its_traceback() -> None:
    ended = in_main("raise ZeroDivisionError('a bug')")
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr


def test_ctrl_c_exits_130_without_a_traceback() -> None:
    code = f"import os, time; os.kill(os.getpid(), {int(signal.SIGINT)}); time.sleep(60)"
    ended = in_main(code)
    assert ended.returncode == 130
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("lines", [1, 100_000])
def test_a_reader_that_has_gone_is_no_traceback(lines: int) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ended = in_main(f"[print('line') for _ in range({lines})]", stdout=writes)
    os.close(writes)
    assert ended.stderr == ""


def test_an_extra_that_is_installed_misses_nothing() -> None:
    assert extras.missing("logger") == ()
    assert extras.missing("demo") == ()


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    requires = [
        'nowhere-to-be-found>=1; extra == "detectors"',
        'sidelight[logger,detectors]; extra == "demo"',
        'pytest>=1; extra == "logger"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: requires)
    assert extras.missing("detectors") == ("nowhere-to-be-found",)
    assert extras.missing("demo") == ("nowhere-to-be-found",)
    assert extras.missing("logger") == ()
    cause = ModuleNotFoundError("No module named 'nowhere'")
    refused = extras.refused("demo", cause)
    assert isinstance(refused, MissingExtra)
    assert str(refused) == "No module named 'nowhere'; run: pip install 'sidelight[demo]'"
    assert extras.refused("logger", cause) is cause


def test_a_demo_over_kafka_says_what_it_needs_where_no_broker_can_be_started(
    tmp_path: Path,
) -> None:
    ended = run("demo", "--kafka", cwd=tmp_path, PATH=str(tmp_path))
    assert ended.returncode != 0
    assert "a Kafka broker needs Java 17 or newer and Maven; install with" in ended.stderr
