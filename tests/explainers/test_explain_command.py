from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

from sidelight.config.settings import LogSettings
from sidelight.errors import ConfigError, DataMismatch, MalformedPayload
from sidelight.log import open_log
from sidelight_explainers.command import app
from sidelight_explainers.terminal.told import told_options
from tests.explainers.logging_exchanges import appended, exchange

WEIGHTS = np.array([1.0, -2.0, 0.5])
TABLE = np.random.default_rng(0).normal(size=(40, 3))

CONFIG = """
models:
  linear:
    predictor: {model: linear.skops}
    reference: reference.csv
    features: {a: numeric, b: numeric, c: numeric}
    explainers:
      shapley: {background: 40}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    skops.io.dump(LinearRegression().fit(TABLE, TABLE @ WEIGHTS), tmp_path / "linear.skops")
    lines = ["a,b,c", *(",".join(map(str, row)) for row in TABLE)]
    (tmp_path / "reference.csv").write_text("\n".join(lines))
    (tmp_path / "sidelight.yaml").write_text(CONFIG)
    return tmp_path


def explain(folder: Path, *argv: str) -> str:
    command = ["explain", *argv, "--config", str(folder / "sidelight.yaml")]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_several_rows_are_explained_each_as_if_alone(folder: Path) -> None:
    file = str(folder / "reference.csv")
    told = json.loads(explain(folder, file, "--row", "7", "--row", "3", "--format", "json"))
    alone = json.loads(explain(folder, file, "--row", "3", "--format", "json"))
    assert [one["data"]["prediction"] for one in told] == pytest.approx(
        (TABLE[[7, 3]] @ WEIGHTS).tolist()
    )
    assert told[1]["data"]["attributions"] == alone["data"]["attributions"]


def test_pictures_are_written_where_it_is_said(folder: Path) -> None:
    file = str(folder / "reference.csv")
    places = {kind: folder / f"out.{kind}" for kind in ("html", "svg", "png")}
    flags = [flag for kind, path in places.items() for flag in (f"--{kind}", str(path))]
    told = explain(folder, file, "--row", "0", *flags)
    assert places["html"].read_text().startswith("<!DOCTYPE html>")
    assert places["svg"].read_text().startswith("<svg")
    assert places["png"].read_bytes().startswith(b"\x89PNG")
    assert all(f"written: {path}" in told for path in places.values())


def test_pictures_of_several_rows_are_numbered(folder: Path) -> None:
    file, place = str(folder / "reference.csv"), folder / "out.svg"
    explain(folder, file, "--row", "1", "--row", "2", "--svg", str(place))
    assert (folder / "out-0.svg").read_bytes() != (folder / "out-1.svg").read_bytes()


def test_options_of_the_method_are_told_by_name(folder: Path) -> None:
    told = json.loads(
        explain(
            folder,
            str(folder / "reference.csv"),
            *("--row", "0", "--format", "json", "--option", "budget=30", "--option", "seed=5"),
        )
    )
    assert told["meta"]["params"]["budget"] == 30
    assert told["meta"]["params"]["seed"] == 5


def test_options_are_yaml_and_dots_lead_into_sections() -> None:
    told = told_options(["text.unit=sentence", "text.most=3", "ranges={a: [0, 1]}", "wanted="])
    assert told == {
        "text": {"unit": "sentence", "most": 3},
        "ranges": {"a": [0, 1]},
        "wanted": None,
    }


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (["budget"], "write KEY=VALUE"),
        (["=3"], "write KEY=VALUE"),
        (["a=[1"], "the value is no YAML"),
        (["a=1", "a.b=2"], "'a' has a value already"),
    ],
)
def test_options_that_cannot_be_read_are_refused(pairs: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        told_options(pairs)


def test_what_cannot_be_explained_is_refused_with_the_way_out(folder: Path) -> None:
    file = str(folder / "reference.csv")
    with pytest.raises(ConfigError, match="name a FILE, or --exchange ID"):
        explain(folder)
    with pytest.raises(ConfigError, match=r"there is no 'shaply'; there are .*shapley"):
        explain(folder, file, "--row", "0", "--method", "shaply")
    with pytest.raises(MalformedPayload, match=r"option\.bugdet: no such option"):
        explain(folder, file, "--row", "0", "--option", "bugdet=3")
    with pytest.raises(DataMismatch, match="there is no row 40"):
        explain(folder, file, "--row", "40")
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        explain(folder, file, "--row", "0", "--html", str(folder / "gone" / "out.html"))


def test_an_evaluation_of_an_exact_explanation_of_a_linear_model_finds_no_fault(
    folder: Path,
) -> None:
    file = str(folder / "reference.csv")
    told = json.loads(explain(folder, file, "--row", "0", "--evaluate", "--format", "json"))
    found = told["evaluation"]
    assert found["seed_spread"] == pytest.approx(0, abs=1e-12)
    assert found["seed_top_overlap"] == 1
    assert found["deletion_auc"] < found["random_auc"] < found["insertion_auc"]
    assert "not foretold" in explain(folder, file, "--row", "0", "--evaluate")


def test_a_logged_row_is_explained_by_the_id_of_its_exchange(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    sent = exchange([dict(zip("abc", row, strict=True)) for row in TABLE[:3].tolist()], "linear")
    with closing(open_log(LogSettings(url=str(folder / "sidelight.db")))) as log:
        address = appended(log, sent)
    for wanted in (sent.id, str(address)):
        told = json.loads(explain(folder, "--exchange", wanted, "--row", "2", "--format", "json"))
        assert told["data"]["prediction"] == pytest.approx(TABLE[2] @ WEIGHTS)
    with pytest.raises(DataMismatch, match="has 3 rows, the first is 0; there is no row 3"):
        explain(folder, "--exchange", sent.id, "--row", "3")


def test_a_method_about_the_whole_model_needs_no_rows(folder: Path) -> None:
    told = json.loads(explain(folder, "--method", "importance", "--format", "json"))
    assert told["data"]["feature_names"] == ["a", "b", "c"]
    assert told["data"]["data_rows"] == 40
