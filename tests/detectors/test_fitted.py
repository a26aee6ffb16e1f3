from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit

BOTH: dict[str, Any] = {"drift": {}, "outlier": {"rate": 0.05}}


def rows_of(count: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    return Columns.of(
        age=rng.integers(17, 90, count),
        income=rng.lognormal(size=count),
        sex=rng.choice(np.array(["f", "m"], object), count),
        member=rng.random(count) < 0.3,
        predict=rng.integers(0, 2, count),
    )


def times_of(count: int) -> Column:
    return Column("when", np.arange(count).astype("datetime64[us]"))


def model(**changes: Any) -> ModelSettings:
    return ModelSettings.model_validate(
        {"outputs": {"predict": "categorical"}, "detectors": BOTH, **changes}
    )


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(rows_of(600, 0), model())


def test_features_come_in_the_references_order_and_outputs_last(fitted: Fitted) -> None:
    assert fitted.columns == ("age", "income", "sex", "member", "predict")
    kinds = {cells.name: type(cells).__name__ for cells in fitted.grid.columns}
    assert kinds == {
        "age": "NumericCells",
        "income": "NumericCells",
        "sex": "CategoricalCells",
        "member": "CategoricalCells",
        "predict": "CategoricalCells",
    }


def test_configured_features_are_watched_in_their_order_and_no_others() -> None:
    features = {"sex": {"categories": ["f", "m"]}, "age": "numeric"}

    assert fit(rows_of(600, 0), model(features=features)).columns == ("sex", "age", "predict")


def test_times_are_not_watched_unless_named() -> None:
    rows = Columns((*rows_of(600, 0).columns, times_of(600)))

    assert "when" not in fit(rows, model()).columns
    assert "when" in fit(rows, model(features={"when": "numeric"})).columns


def test_a_missing_feature_is_named(fitted: Fitted) -> None:
    rows = rows_of(5, 1)

    with pytest.raises(DataMismatch, match="'income' is missing"):
        fitted.index(rows.select(["age", "sex", "member", "predict"]))


def test_an_output_that_is_not_there_is_not_observed(fitted: Fitted) -> None:
    indexed = fitted.index(rows_of(5, 1).select(["age", "income", "sex", "member"]))

    assert indexed.cells.shape == (5, 5)
    assert indexed.cells.dtype == np.int32
    assert (indexed.cells[:, 4] == -1).all()
    assert (indexed.cells[:, :4] >= 0).all()
    assert fitted.summarise(indexed).counts.sum() == 20


def test_answers_may_come_apart_from_the_rows(fitted: Fitted) -> None:
    rows = rows_of(5, 1)
    features = rows.select(["member", "sex", "income", "age"])

    apart = fitted.index(features, rows.select(["predict"]))

    assert np.array_equal(apart.cells, fitted.index(rows).cells)
    with pytest.raises(DataMismatch, match="rows"):
        fitted.index(features, rows.take(slice(3)).select(["predict"]))


def test_a_matrix_is_split_into_the_features_by_position() -> None:
    rng = np.random.default_rng(0)
    reference = Columns.of(a=rng.normal(size=300), b=rng.normal(size=300))
    fitted = fit(reference, ModelSettings.model_validate({"detectors": BOTH}))
    matrix = np.column_stack([reference["a"].values, reference["b"].values])

    indexed = fitted.index(Columns((Column("input-0", matrix),)))

    assert np.array_equal(indexed.cells, fitted.index(reference).cells)


def test_no_rows_have_no_cells(fitted: Fitted) -> None:
    indexed = fitted.index(rows_of(600, 0).take(slice(0)))
    scores = fitted.score(indexed)

    assert indexed.cells.shape == (0, 5)
    assert fitted.summarise(indexed).rows == 0
    assert scores is not None
    assert len(scores.scores) == 0


def test_unfit_settings_and_references_say_why() -> None:
    rows = rows_of(600, 0)

    with pytest.raises(ConfigError, match="no detector is configured"):
        fit(rows, model(detectors={}))
    with pytest.raises(ConfigError, match="'predict' is a feature and an output"):
        fit(rows, model(features={"predict": "numeric"}))
    with pytest.raises(NotEnoughData, match="the reference has 5 rows"):
        fit(rows.take(slice(5)), model())
    with pytest.raises(DataMismatch, match="'height' is missing"):
        fit(rows, model(features={"height": "numeric"}))
    with pytest.raises(ConfigError, match="no column to watch"):
        fit(Columns((times_of(600),)), model(outputs={}))


def test_categories_of_which_none_occurs_in_the_reference_are_refused() -> None:
    incomes = Columns((Column("income", np.arange(40.0) * 100),))
    declared = {"categories": ["low", "high"]}
    model = ModelSettings.model_validate(
        {"features": {"income": declared}, "detectors": {"drift": {}}}
    )
    with pytest.raises(ConfigError, match=r"'income': none of its categories .* holds '0', '100'"):
        fit(incomes, model)
    some_occur = Columns((Column("income", np.array(["low", "odd"] * 20, object)),))
    assert fit(some_occur, model).columns == ("income",)


def test_detectors_that_were_not_asked_for_do_not_run() -> None:
    fitted = fit(rows_of(600, 0), model(detectors={"drift": {"measures": []}}))
    indexed = fitted.index(rows_of(600, 1))

    assert fitted.score(indexed) is None
    assert fitted.summarise(indexed).sums == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"detectors": {"drift": {"window": 500}, "outlier": {"rate": 0.05}}},
        {"detectors": {"drift": {"tolerance": 0.1}, "outlier": {"rate": 0.05}}},
        {"detectors": {"drift": {}, "outlier": {"rate": 0.06}}},
        {"detectors": {"drift": {}}},
        {"outputs": {"predict": "numeric"}},
        {"outputs": {}},
    ],
    ids=str,
)
def test_another_setting_is_another_plan(fitted: Fitted, changes: dict[str, Any]) -> None:
    assert fit(rows_of(600, 0), model(**changes)).plan != fitted.plan


def test_another_reference_is_another_plan(fitted: Fitted) -> None:
    rows = rows_of(600, 0)
    one_value = {column.name: column.values.copy() for column in rows}
    one_value["age"][0] += 1

    assert fit(Columns.of(**one_value), model()).plan != fitted.plan


PROGRAM = """
import tests.detectors.test_fitted as here
print(here.fit(here.rows_of(600, 0), here.model()).plan)
"""


def test_the_plan_is_the_same_in_every_process(fitted: Fitted) -> None:
    root = Path(__file__).parents[2]
    paths = [str(root), str(root / "detectors")]
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == fitted.plan


def test_a_saved_reference_answers_as_before(fitted: Fitted, tmp_path: Path) -> None:
    fitted.save(tmp_path / "reference.npz")
    loaded = Fitted.load(tmp_path / "reference.npz")
    indexed = loaded.index(rows_of(300, 1))
    scores, expected = loaded.score(indexed), fitted.score(indexed)

    assert loaded.plan == fitted.plan
    assert loaded.columns == fitted.columns
    assert loaded.summarise(indexed) == fitted.summarise(fitted.index(rows_of(300, 1)))
    assert loaded.judge(loaded.summarise(indexed), 1) == fitted.judge(fitted.summarise(indexed), 1)
    assert scores is not None
    assert expected is not None
    assert np.array_equal(scores.p_values, expected.p_values)
    assert np.array_equal(scores.contributions, expected.contributions, equal_nan=True)


def test_equal_references_are_stored_in_equal_bytes(fitted: Fitted, tmp_path: Path) -> None:
    fitted.save(tmp_path / "a.npz")
    fit(rows_of(600, 0), model()).save(tmp_path / "b.npz")

    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.npz", "b.npz"]


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_refused_or_means_the_same(
    fitted: Fitted, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "reference.npz"
    fitted.save(path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])

    try:
        loaded = Fitted.load(path)
    except ArtifactError:
        return
    assert loaded.plan == fitted.plan


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", header=np.array([{"format": 1}], object))

    with pytest.raises(ArtifactError, match="Python objects"):
        Fitted.load(path)


def test_files_that_are_something_else_are_refused(tmp_path: Path) -> None:
    other = write_npz(tmp_path / "a.npz", header=np.frombuffer(b'{"format": 99}', np.uint8))
    (tmp_path / "b.npz").write_bytes(b"id,age\n1,2\n")

    for path, told in (
        (other, "format 99"),
        (tmp_path / "b.npz", "not a zip file"),
        (tmp_path / "none.npz", "No such file"),
        (write_npz(tmp_path / "c.npz", x=np.zeros(3)), "header"),
    ):
        with pytest.raises(ArtifactError, match=told):
            Fitted.load(path)


def test_an_array_that_claims_more_than_is_there_is_refused_without_room_for_it(
    fitted: Fitted, tmp_path: Path
) -> None:
    claim = b"\x93NUMPY\x01\x00v\x00" + (
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117) + b"\n"
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("header.npy", claim)

    with pytest.raises(ArtifactError, match="reshape"):
        Fitted.load(tmp_path / "a.npz")


def test_a_content_that_was_changed_does_not_have_its_hash(fitted: Fitted, tmp_path: Path) -> None:
    fitted.save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as stored:
        arrays = {**stored, "reference": stored["reference"] + 1}

    with pytest.raises(ArtifactError, match="plan's hash"):
        Fitted.load(write_npz(tmp_path / "b.npz", **arrays))
