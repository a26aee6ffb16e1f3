"""The configuration of bias in a file: what it names must be there and go together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidelight.config import load
from sidelight.config.files import require_files
from sidelight.errors import ConfigError
from sidelight_detectors.service.fitting import fit_all, fitted_model
from tests.detectors.test_bias_groups import people
from tests.detectors.test_bias_metrics import MODEL
from tests.detectors.test_score_command import write


def configured(folder: Path, **changes: Any) -> Path:
    write(folder / "reference.csv", people(800, 1))
    table = people(50, 2).select(["id", "race"])
    write(folder / "people.csv", table)
    bias = {"protected": {"race": {"table": "people.csv", "key": "id"}}}
    model = {**MODEL, "reference": "reference.csv", "detectors": {"bias": bias}, **changes}
    file = folder / "sidelight.yaml"
    kept = {key: value for key, value in model.items() if value is not None}
    file.write_text(json.dumps({"models": {"loans": kept}}))
    return file


def test_a_side_table_is_found_beside_the_file(tmp_path: Path) -> None:
    loaded = load(configured(tmp_path))

    require_files(loaded)
    bias = loaded.settings.models["loans"].detectors.bias
    assert bias is not None
    assert bias.protected["race"].table == tmp_path / "people.csv"


def test_a_side_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    loaded = load(configured(tmp_path))
    (tmp_path / "people.csv").unlink()

    with pytest.raises(ConfigError, match=r"bias.protected.race.table .*there is no such file"):
        require_files(loaded)


def test_bias_without_an_outcome_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bias needs models.loans.outcome, which is not set"):
        load(configured(tmp_path, outcome=None))


def test_another_side_table_makes_another_fit(tmp_path: Path) -> None:
    settings = load(configured(tmp_path)).settings
    first = fitted_model("loans", settings.models["loans"], tmp_path / "fitted")
    again = fitted_model("loans", settings.models["loans"], tmp_path / "fitted")
    write(tmp_path / "people.csv", people(60, 3).select(["id", "race"]))

    other = fitted_model("loans", settings.models["loans"], tmp_path / "fitted")

    assert again.plan == first.plan
    assert other.plan != first.plan


def test_a_fitted_reference_of_another_outcome_is_refused(tmp_path: Path) -> None:
    settings = load(configured(tmp_path)).settings
    (kept,) = fit_all(settings, None, tmp_path / "fitted.npz")
    outcome = {**MODEL["outcome"], "threshold": 0.7}
    changed = load(configured(tmp_path, outcome=outcome, reference=str(kept.path))).settings

    with pytest.raises(ConfigError, match="was fitted with other outcome"):
        fitted_model("loans", changed.models["loans"], tmp_path / "fitted")
