"""`sidelight fit` and `sidelight score`, as they are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from scipy import stats
from typer.testing import CliRunner, Result

from sidelight.command.main import application
from sidelight.errors import ArtifactError, ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted
from tests.detectors.traffic import MODEL, rows, settings


def write(path: Path, columns: Columns) -> Path:
    table = pa.table({column.name: column.values.tolist() for column in columns})
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".npz":
        arrays: dict[str, Any] = {column.name: _plain(column.values) for column in columns}
        np.savez(path, **arrays)
    else:
        pyarrow.parquet.write_table(table, path)
    return path


def _plain(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(str) if values.dtype == object else values


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return configure(tmp_path)


def configure(folder: Path, reference: str = "reference.parquet", **drift: Any) -> Path:
    write(folder / "reference.parquet", rows(2000, seed=1))
    model = json.loads(settings(exact=True, **drift).model_dump_json(exclude_none=True))
    document = {"models": {MODEL: {**model, "reference": reference}}}
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(document))
    return file


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application(), list(arguments))


def score(file: Path, *arguments: str) -> Result:
    return run("score", str(file), "--model", MODEL, *arguments)


def test_windows_have_the_configured_rows_and_the_last_what_is_left(
    config: Path, tmp_path: Path
) -> None:
    result = score(write(tmp_path / "rows.csv", rows(350, 2)), "--format", "json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert [window["rows"] for window in report["drift"]["windows"]] == [
        [0, 100],
        [100, 200],
        [200, 300],
        [300, 350],
    ]
    assert report["unjudged_rows"] == 0
    assert report["rows"] == 350


def test_the_distance_is_scipys(config: Path, tmp_path: Path) -> None:
    sent = rows(100, 2)
    report = json.loads(score(write(tmp_path / "r.parquet", sent), "--format", "json").stdout)
    (window,) = report["drift"]["windows"]
    expected = stats.ks_2samp(sent["age"].values, rows(2000, seed=1)["age"].values)
    (age,) = [column for column in window["columns"] if column["column"] == "age"]
    assert age["distance"] == pytest.approx(expected.statistic, abs=1e-12)


def test_drift_is_exit_code_3_only_when_asked(config: Path, tmp_path: Path) -> None:
    drifted = write(tmp_path / "drifted.csv", rows(100, 2, shift=1.5))
    assert score(drifted).exit_code == 0
    assert score(drifted, "--fail-on", "drift").exit_code == 3
    assert score(drifted, "--fail-on", "drift,outlier").exit_code == 3
    ordinary = write(tmp_path / "ordinary.csv", rows(100, 2))
    assert score(ordinary, "--fail-on", "drift").exit_code == 0


def test_outliers_are_named_by_their_row_in_the_file(config: Path, tmp_path: Path) -> None:
    sent = rows(250, 2)
    ages = sent["age"].values.copy()
    ages[217] = 400.0
    changed = Columns.of(age=ages, sex=sent["sex"].values, score=sent["score"].values)
    file = write(tmp_path / "strange.csv", changed)
    report = json.loads(score(file, "--format", "json").stdout)
    found = {outlier["row"]: outlier for outlier in report["outliers"]["rows"]}
    assert next(iter(found[217]["contributions"])) == "age"
    assert report["outliers"]["flagged"] == len(found)
    assert score(file, "--fail-on", "outlier").exit_code == 3


def test_a_table_is_for_people(config: Path, tmp_path: Path) -> None:
    told = score(write(tmp_path / "rows.csv", rows(230, 2, shift=1.5))).stdout
    assert told.splitlines()[0].split() == [
        "rows",
        "segment",
        "drift",
        "column",
        "method",
        "distance",
        "effect",
        "p-value",
        "threshold",
    ]
    assert told.splitlines()[1].startswith("0-99")
    assert told.splitlines()[3].startswith("200-229")
    assert "of 230 rows flagged" in told


def test_event_time_windows_are_cut_by_rows_in_a_file(tmp_path: Path, config: Path) -> None:
    configure(tmp_path, window_seconds=60.0)
    report = json.loads(
        score(write(tmp_path / "rows.csv", rows(150, 2)), "--format", "json").stdout
    )
    assert [window["rows"] for window in report["drift"]["windows"]] == [[0, 100], [100, 150]]


def test_a_fit_is_kept_and_found_again(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("fit")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{MODEL}: 2000 rows")
    monkeypatch.setattr("sidelight_detectors.service.fitting.fit", None)
    assert score(write(tmp_path / "rows.csv", rows(100, 2))).exit_code == 0


def test_another_reference_is_fitted_anew(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", rows(100, 2, shift=1.5))
    assert score(file, "--fail-on", "drift").exit_code == 3
    write(tmp_path / "reference.parquet", rows(2000, seed=4, shift=1.5))
    assert score(file, "--fail-on", "drift").exit_code == 0


def test_a_fitted_file_is_a_reference(config: Path, tmp_path: Path) -> None:
    kept = tmp_path / "fitted.npz"
    assert run("fit", "--model", MODEL, "--out", str(kept)).exit_code == 0
    assert Fitted.load(kept).rows == 2000
    configure(tmp_path, "fitted.npz")
    assert score(write(tmp_path / "rows.csv", rows(100, 2))).exit_code == 0
    configure(tmp_path, "fitted.npz", window=200)
    result = score(write(tmp_path / "rows.csv", rows(100, 2)))
    assert isinstance(result.exception, ConfigError)
    assert "fitted with other detector settings" in str(result.exception)


def test_a_fitted_file_of_other_columns_is_refused(config: Path, tmp_path: Path) -> None:
    kept = tmp_path / "fitted.npz"
    assert run("fit", "--out", str(kept)).exit_code == 0
    document = json.loads(configure(tmp_path, "fitted.npz").read_text())
    file = write(tmp_path / "rows.csv", rows(100, 2))
    for part, other in (("features", {"age": "numeric"}), ("outputs", {})):
        model = {**document["models"][MODEL], part: other}
        config.write_text(json.dumps({"models": {MODEL: model}}))
        result = score(file)
        assert isinstance(result.exception, ConfigError)
        assert f"fitted with other {part}" in str(result.exception)


def test_where_nothing_can_be_kept_a_file_is_scored_all_the_same(
    config: Path, tmp_path: Path
) -> None:
    (tmp_path / "sidelight.db.fitted").write_text("a file where the folder would be")
    result = score(write(tmp_path / "rows.csv", rows(100, 2)), "--format", "json")
    assert json.loads(result.stdout)["rows"] == 100
    result = run("fit")
    assert isinstance(result.exception, ArtifactError)
    assert "cannot be written" in str(result.exception)


def test_a_fitted_file_must_be_known_by_its_name(config: Path, tmp_path: Path) -> None:
    result = run("fit", "--out", str(tmp_path / "fitted.parquet"))
    assert isinstance(result.exception, ConfigError)
    assert "end it in .npz" in str(result.exception)


def test_a_file_without_answers_is_compared_by_its_features(config: Path, tmp_path: Path) -> None:
    sent = rows(100, 2).select(["age", "sex"])
    report = json.loads(score(write(tmp_path / "rows.csv", sent), "--format", "json").stdout)
    (window,) = report["drift"]["windows"]
    assert {column["column"]: column["rows"] for column in window["columns"]} == {
        "age": 100,
        "sex": 100,
        "score": 0,
    }
    assert window["columns"][2]["distance"] is None
    assert report["unobserved"] == ["score"]


def test_rows_that_do_not_fit_are_named(config: Path, tmp_path: Path) -> None:
    result = score(write(tmp_path / "rows.csv", Columns.of(sex=["f"] * 5, score=np.ones(5))))
    assert isinstance(result.exception, DataMismatch)
    assert "'age' is missing" in str(result.exception)


def test_a_file_shorter_than_a_window_is_judged_all_the_same(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", rows(60, 2, shift=2.0))
    assert score(file, "--fail-on", "drift").exit_code == 3
    assert score(write(file, rows(60, 2)), "--fail-on", "drift").exit_code == 0


def test_too_few_rows_are_no_all_clear(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", rows(5, 2, shift=2.0))
    result = score(file, "--fail-on", "drift")
    assert isinstance(result.exception, NotEnoughData)
    assert "the last 5 rows are too few to be judged" in result.stdout
    assert score(file).exit_code == 0


def test_rows_too_few_to_judge_are_counted_once_with_segments(config: Path, tmp_path: Path) -> None:
    document = json.loads(config.read_text())
    document["models"][MODEL]["detectors"]["drift"]["by"] = "sex"
    config.write_text(json.dumps(document))
    result = score(write(tmp_path / "rows.csv", rows(5, 2)))
    assert "the last 5 rows are too few to be judged" in result.stdout


def test_what_no_detector_looks_for_cannot_fail(config: Path, tmp_path: Path) -> None:
    document = json.loads(config.read_text())
    del document["models"][MODEL]["detectors"]["outlier"]
    config.write_text(json.dumps(document))
    result = score(write(tmp_path / "rows.csv", rows(100, 2)), "--fail-on", "drift,outlier")
    assert isinstance(result.exception, ConfigError)
    assert "--fail-on outlier: no such detector runs; there are drift" in str(result.exception)


def test_a_model_that_is_not_there_is_named(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", rows(5, 2))
    result = run("score", str(file), "--model", "typo")
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception) == "no model 'typo' has a detector; there are income"


def test_what_to_fail_on_is_checked_first(config: Path, tmp_path: Path) -> None:
    result = score(tmp_path / "absent.csv", "--fail-on", "drfit")
    assert isinstance(result.exception, ConfigError)
    assert "--fail-on drfit" in str(result.exception)


def test_the_name_is_needed_only_when_several_models_are_watched(
    config: Path, tmp_path: Path
) -> None:
    sent = str(write(tmp_path / "rows.csv", rows(100, 2)))
    assert run("score", sent).stdout == score(Path(sent)).stdout
    document = json.loads(config.read_text())
    document["models"]["other"] = document["models"][MODEL]
    config.write_text(json.dumps(document))
    with pytest.raises(ConfigError, match=f"name one of {MODEL}, other with --model"):
        raise run("score", sent).exception or AssertionError


def test_other_detectors_judge_a_file_and_can_fail(config: Path, tmp_path: Path) -> None:
    document = json.loads(config.read_text())
    document["models"][MODEL]["detectors"]["joint"] = {}
    config.write_text(json.dumps(document))
    file = write(tmp_path / "rows.csv", rows(200, 2, shift=1.5))
    report = json.loads(score(file, "--format", "json").stdout)
    assert [(one["detector"], one["rows"]) for one in report["others"]] == [
        ("joint", [0, 100]),
        ("joint", [100, 200]),
    ]
    assert score(file, "--fail-on", "joint").exit_code == 3


def with_detectors(config: Path, **detectors: Any) -> None:
    document = json.loads(config.read_text())
    document["models"][MODEL]["detectors"].update(detectors)
    config.write_text(json.dumps(document))


def test_fit_and_score_say_what_the_flagging_rests_on(config: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", rows(230, 2))
    report = json.loads(score(file, "--format", "json").stdout)
    text = report["outliers"]["guarantee"]["text"]
    assert "rows held out" in text
    assert text in score(file).stdout
    assert f"  outlier: {text}\n" in run("fit").stdout


def test_arrays_are_scored_as_a_table_is(config: Path, tmp_path: Path) -> None:
    sent = rows(230, 2, shift=1.5)
    told = [score(write(tmp_path / f"rows.{kind}", sent)).stdout for kind in ("npz", "parquet")]
    assert told[0] == told[1]


def test_violations_stand_apart_from_outliers_and_say_what_is_wrong(
    config: Path, tmp_path: Path
) -> None:
    with_detectors(config, schema={})
    sent = rows(250, 2)
    sent["age"].values[217] = 4000.0
    file = write(tmp_path / "strange.csv", sent)
    report = json.loads(score(file, "--format", "json").stdout)
    found = {one["row"]: one["reasons"] for one in report["schema"]["rows"]}
    assert "age: above" in found[217]
    assert report["schema"]["flagged"] == len(found)
    assert len(report["outliers"]["rows"]) == report["outliers"]["flagged"]
    assert "age: above" in score(file).stdout
    assert score(file, "--fail-on", "schema").exit_code == 3


def test_performance_without_labels_is_estimated_in_a_file(config: Path, tmp_path: Path) -> None:
    seen = rows(2000, seed=1)
    chance = 1 / (1 + np.exp(-(seen["age"].values - 40) / 10))
    label = (np.random.default_rng(0).random(2000) < chance).astype(int)
    known = Columns.of(age=seen["age"].values, chance=chance, label=label)
    write(tmp_path / "reference.parquet", known)
    asked = {"probability": "chance", "label": "label"}
    model = {
        "reference": "reference.parquet",
        "features": {"age": "numeric"},
        "outputs": {"chance": "numeric"},
        "detectors": {"performance": asked},
    }
    config.write_text(json.dumps({"models": {MODEL: model}}))
    unsure = Columns.of(age=np.full(300, 40.0), chance=np.full(300, 0.5))
    file = write(tmp_path / "rows.csv", unsure)
    (told,) = json.loads(score(file, "--format", "json").stdout)["others"]
    assert (told["detector"], told["is_drift"]) == ("performance", True)
    assert score(file, "--fail-on", "performance").exit_code == 3


def test_a_fitted_file_of_another_declared_range_is_refused(config: Path, tmp_path: Path) -> None:
    with_detectors(config, schema={})
    assert run("fit", "--out", str(tmp_path / "fitted.npz")).exit_code == 0
    document = json.loads(config.read_text())
    model = document["models"][MODEL]
    model["reference"] = "fitted.npz"
    model["features"]["age"] = {"kind": "numeric", "min": 0, "max": 120}
    config.write_text(json.dumps(document))
    result = score(write(tmp_path / "rows.csv", rows(100, 2)))
    assert isinstance(result.exception, ConfigError)
    assert "fitted with other 'min' or 'max'" in str(result.exception)
