"""Rules that cannot be kept are refused when the file is read, not when traffic comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from sidelight.command.check import report
from sidelight.command.main import main
from sidelight.config import load

Told = Callable[[Mapping[str, object]], str]


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Told:
    """What `sidelight check` answers, which must refuse."""

    def check(said: Mapping[str, object]) -> str:
        (tmp_path / "sidelight.yaml").write_text(yaml.safe_dump(said))
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        return capsys.readouterr().err

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["sidelight", "check"])
    return check


@pytest.mark.parametrize(
    ("redact", "message"),
    [
        ({"paths": ["user.email"]}, "logger.redact.paths: 'user.email' is no JSONPath"),
        ({"patterns": ["("]}, "logger.redact.patterns: '(' is no regular expression"),
        ({"columns": {"a": {"mask": "["}}}, "logger.redact.columns.a: '['"),
        ({"columns": {"a": "hash"}}, "needs a key; set logger.redact.key_file"),
        ({"columns": {"a": {"bucket": [1]}}}, "give two at least"),
        ({"key_file": "nowhere"}, "cannot be read"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(
    told: Told, redact: dict[str, object], message: str
) -> None:
    said = {"logger": {"upstream": "http://127.0.0.1:1", "redact": redact}}
    assert message in told(said)


def test_a_short_key_is_refused_and_not_shown(tmp_path: Path, told: Told) -> None:
    (tmp_path / "key").write_text("s3cret")
    redact = {"columns": {"a": "hash"}, "key_file": "key"}
    found = told({"models": {"m": {"redact": redact}}})
    assert "16 at least" in found
    assert "s3cret" not in found


def test_features_alone_need_their_names(told: Told) -> None:
    found = told({"models": {"m": {"capture": "features"}}})
    assert "models.m.capture is features, and models.m.features names none" in found


def test_check_asks_after_a_column_that_the_model_does_not_declare(tmp_path: Path) -> None:
    columns = {"aeg": "drop", " Zip": "drop", "customer": "drop"}
    model = {"features": {"age": "numeric", "zip": "categorical"}, "redact": {"columns": columns}}
    path = tmp_path / "sidelight.yaml"
    path.write_text(yaml.safe_dump({"models": {"m": model}}))
    lines = report(load(path, environ={}))
    [typo, other] = [one for one in lines if "no feature or output" in one]
    assert typo.startswith("models.m.redact.columns.aeg ")
    assert typo.endswith("no feature or output of m has this name; did you mean 'age'?")
    assert other.startswith("models.m.redact.columns.customer ")
    assert other.endswith("this name")
