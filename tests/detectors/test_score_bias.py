"""`sidelight score --fail-on`: what it says of bias, and where it cannot judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from typer.testing import CliRunner, Result

from sidelight.command.main import application
from sidelight.errors import ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Columns
from tests.detectors.test_score_command import write

OUTCOME = {"prediction": "p", "positive": "yes", "label": "truth"}


def people(count: int, seed: int) -> Columns:
    """Women and men; men are decided about favourably much more often."""
    random = np.random.default_rng(seed)
    sex = random.choice(["f", "m"], count)
    lucky = random.random(count) < np.where(sex == "m", 0.8, 0.3)
    truth = random.random(count) < 0.5
    answers = np.where(lucky, "yes", "no")
    return Columns.of(
        age=random.normal(40, 10, count).tolist(),
        sex=sex.tolist(),
        p=answers.tolist(),
        truth=np.where(truth, "yes", "no").tolist(),
    )


def relabelled(rows: Columns, words: list[str]) -> Columns:
    told = {name: rows[name].values.tolist() for name in rows.names}
    return Columns.of(**{**told, "truth": words})


def without(rows: Columns, name: str) -> Columns:
    return rows.select([one for one in rows.names if one != name])


def score(
    folder: Path, rows: Columns, reference: Columns | None = None, fail_on: str = "bias"
) -> Result:
    write(folder / "reference.csv", people(500, 1) if reference is None else reference)
    model: dict[str, Any] = {
        "reference": "reference.csv",
        "features": {"age": "numeric", "sex": "categorical"},
        "outputs": {"p": "categorical"},
        "outcome": OUTCOME,
        "detectors": {"bias": {"protected": ["sex"]}, "adversarial": {}},
    }
    (folder / "sidelight.yaml").write_text(json.dumps({"models": {"m": model}}))
    file = write(folder / "rows.csv", rows)
    arguments = ["score", str(file), "--config", str(folder / "sidelight.yaml")]
    return CliRunner().invoke(application(), [*arguments, "--fail-on", fail_on])


def test_unfair_decisions_are_found_without_labels_and_the_missing_column_is_named(
    tmp_path: Path,
) -> None:
    result = score(tmp_path, without(people(400, 2), "truth"))
    assert result.exit_code == 3
    assert "bias by decisions of 400 rows: unfair" in result.stdout
    assert "bias not judged: by labels: the file has no column 'truth'" in result.stdout


def test_too_few_rows_are_told_with_what_groups_need(tmp_path: Path) -> None:
    result = score(tmp_path, people(10, 2))
    assert isinstance(result.exception, NotEnoughData)
    assert "no two groups have 30 rows each" in str(result.exception)


def test_a_file_without_decisions_is_told_so(tmp_path: Path) -> None:
    result = score(tmp_path, without(people(400, 2), "p"))
    assert isinstance(result.exception, NotEnoughData)
    assert "the file has no column 'p', which says what was decided" in str(result.exception)


def test_a_label_that_is_no_class_is_refused_rather_than_left_out(tmp_path: Path) -> None:
    rows = people(400, 2)
    words = ["maybe", *rows["truth"].values.tolist()[1:]]
    result = score(tmp_path, relabelled(rows, words))
    assert isinstance(result.exception, DataMismatch)
    assert "label 'maybe' is no class of the outcome; there are no, yes" in str(result.exception)


def test_labels_in_other_words_than_decisions_are_refused(tmp_path: Path) -> None:
    words = (">50K", "<=50K")
    rows = people(400, 2)
    told = [words[value == "no"] for value in rows["truth"].values.tolist()]
    result = score(tmp_path, people(400, 3), relabelled(rows, told))
    assert isinstance(result.exception, ConfigError)
    assert "'truth' has <=50K, >50K and 'p' has no, yes: no class in common" in str(
        result.exception
    )


def test_a_file_never_passes_by_a_detector_that_needs_traffic(tmp_path: Path) -> None:
    result = score(tmp_path, people(400, 2), fail_on="adversarial")
    assert isinstance(result.exception, ConfigError)
    assert "it watches traffic and says nothing of a file; a file can fail on bias" in str(
        result.exception
    )
