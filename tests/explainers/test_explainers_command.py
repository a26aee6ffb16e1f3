from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner

from sidelight.config import load
from sidelight.errors import ConfigError, DataMismatch
from sidelight_explainers.command import app
from sidelight_explainers.models import open_models
from tests.explainers.serving import model_app, served
from tests.ports import free_port

WEIGHTS = np.array([1.0, -2.0, 0.5])
TABLE = np.random.default_rng(0).normal(size=(40, 3))

CONFIG = """
models:
  linear:
    predictor: {model: linear.skops}
    reference: reference.csv
    features: {a: numeric, b: numeric, c: numeric}
    outputs: {y: numeric}
    explainers:
      shapley: {background: 40}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    skops.io.dump(LinearRegression().fit(TABLE, TABLE @ WEIGHTS), tmp_path / "linear.skops")
    lines = ["y,a,b,c", *(",".join(map(str, [row @ WEIGHTS, *row])) for row in TABLE)]
    (tmp_path / "reference.csv").write_text("\n".join(lines))
    (tmp_path / "sidelight.yaml").write_text(CONFIG)
    return tmp_path


def explain(folder: Path, *more: str) -> str:
    argv = ["explain", str(folder / "reference.csv"), "--config", str(folder / "sidelight.yaml")]
    result = CliRunner().invoke(app, [*argv, *more], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_explain_prints_the_row_of_a_file_as_json(folder: Path) -> None:
    data = json.loads(explain(folder, "--row", "7", "--format", "json"))["data"]
    contributions = [one["contribution"] for one in data["attributions"]]
    np.testing.assert_allclose(contributions, WEIGHTS * (TABLE[7] - TABLE.mean(axis=0)), atol=1e-8)
    assert data["prediction"] == pytest.approx(TABLE[7] @ WEIGHTS)
    assert data["background_rows"] == data["reference_rows"] == 40


def test_explain_prints_bars_for_people(folder: Path) -> None:
    told = explain(folder, "--row", "0", "--model", "linear", "--seed", "3")
    first, *bars = told.splitlines()
    assert first.startswith("Why linear answers prediction = ")
    bars = [bar for bar in bars if " = " in bar and ("█" in bar or "▒" in bar)]
    sizes = [bar.count("█") + bar.count("▒") for bar in bars]
    assert len(sizes) == 3
    assert sizes == sorted(sizes, reverse=True)
    assert "The amounts are exact." in told


def test_explain_says_what_is_wrong(folder: Path) -> None:
    with pytest.raises(DataMismatch, match="has 40 rows, the first is 0; there is no row 40"):
        explain(folder, "--row", "40")
    with pytest.raises(ConfigError, match="there is no model 'nobody'; there are linear"):
        explain(folder, "--row", "0", "--model", "nobody")


def test_explain_needs_a_name_only_when_there_are_several_models(folder: Path) -> None:
    file = folder / "sidelight.yaml"
    file.write_text(CONFIG + "  other:\n    reference: reference.csv\n")
    with pytest.raises(ConfigError, match="name one of linear, other with --model"):
        explain(folder, "--row", "0")
    assert explain(folder, "--row", "0", "--model", "linear").startswith("Why linear answers")
    file.write_text("")
    with pytest.raises(ConfigError, match="no model is configured"):
        explain(folder, "--row", "0")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("reference.csv", "gone.csv", "models.linear.reference"),
        ("c: numeric", "d: numeric", "expected 3 columns .* 'd' is missing"),
        ("background: 40", "budget: 4", "shapley.*: a budget of 4 rows is too small"),
    ],
)
def test_a_configuration_that_cannot_explain_says_why(
    folder: Path, old: str, new: str, words: str
) -> None:
    file = folder / "sidelight.yaml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=words):
        open_models(load(file).settings)


def test_features_come_from_the_reference_when_none_are_set(folder: Path) -> None:
    file = folder / "sidelight.yaml"
    file.write_text(CONFIG.replace("    features: {a: numeric, b: numeric, c: numeric}\n", ""))
    model = open_models(load(file).settings)["linear"]
    assert model is not None
    assert model.example.names == ("a", "b", "c")


def test_the_truth_in_the_reference_is_no_feature(folder: Path) -> None:
    file = folder / "sidelight.yaml"
    features = "    features: {a: numeric, b: numeric, c: numeric}\n"
    file.write_text(CONFIG.replace(features, "    outcome: {prediction: y, label: truth}\n"))
    table = (folder / "reference.csv").read_text().splitlines()
    (folder / "reference.csv").write_text(
        "\n".join(["y,a,b,c,truth", *(f"{one},1" for one in table[1:])])
    )
    model = open_models(load(file).settings)["linear"]
    assert model is not None
    assert model.example.names == ("a", "b", "c")


def test_a_fitted_reference_is_refused_with_what_to_name_instead(folder: Path) -> None:
    (folder / "reference.npz").touch()
    file = folder / "sidelight.yaml"
    file.write_text(CONFIG.replace("reference.csv", "reference.npz"))
    with pytest.raises(ConfigError, match=r"serves detectors only.* name the CSV or Parquet file"):
        open_models(load(file).settings)


@contextmanager
def service(folder: Path, *argv: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The command as a process; the second is its address."""
    listen = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "sidelight.command", "explainers", "--listen", listen, *argv]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE)
    try:
        while not _answers(f"http://{listen}"):
            assert process.poll() is None
            time.sleep(0.05)
        yield process, f"http://{listen}"
    finally:
        process.kill()
        process.communicate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v2/health/live").status_code == 200
    except httpx.TransportError:
        return False


def test_the_service_explains_through_a_server_and_exits_0_when_told_to_stop(folder: Path) -> None:
    with served(model_app()) as url:
        argv = ["--model_name", "income", "--predictor_host", url, "--predictor_protocol", "v2"]
        argv += ["--reference", "reference.csv", "--config", "outputs.yaml"]
        (folder / "outputs.yaml").write_text("models: {income: {outputs: {y: numeric}}}")
        with service(folder, *argv) as (process, address):
            body = {"instances": [{"a": 1.0, "b": 2.0, "c": 3.0}]}
            answer = httpx.post(f"{address}/v1/models/income:explain", json=body, timeout=60)
            assert answer.status_code == 200
            assert answer.json()["explanations"][0]["data"]["output"] == "probability[1]"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
