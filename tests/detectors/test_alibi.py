"""What needs no alibi-detect: settings, what is loaded and what not, batches, exact states."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sidelight.config.detecting.alibi import TYPES, AlibiSettings
from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, MissingExtra
from sidelight.pinning import folder_sha256
from sidelight.tensors import Columns
from sidelight_detectors.alibi.arrays import packed, unpacked
from sidelight_detectors.alibi.artefact import pinned_copy
from sidelight_detectors.alibi.finding import AlibiFinding, own_threshold, p_values
from sidelight_detectors.alibi.kinds import KINDS
from sidelight_detectors.alibi.matrix import as_rows, fit_encoder, matrix_of, usable
from sidelight_detectors.alibi.seeding import reseed
from sidelight_detectors.alibi.station import station
from sidelight_detectors.stations.batch import Batch, Waiting, joined
from sidelight_detectors.stations.place import Place
from tests.detectors.test_service import write_table
from tests.detectors.traffic import MODEL, rows

FEATURES = {
    "age": FeatureSettings(kind="numeric"),
    "sex": FeatureSettings(kind="categorical", categories=("f", "m")),
    "city": FeatureSettings(kind="categorical"),
}


def _table() -> Columns:
    return Columns.of(
        age=np.array([1.0, 2.0, np.nan]),
        sex=np.array(["f", "m", "x"], object),
        city=np.array(["a", "b", "c"], object),
    )


def test_every_type_of_the_configuration_is_known() -> None:
    assert set(TYPES) == set(KINDS)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "one of 'type'"),
        ({"type": "KSDrift", "load": "saved", "sha256": "00"}, "one of 'type'"),
        ({"load": "saved"}, "needs 'sha256'"),
        (
            {"load": "saved", "sha256": "00", "args": {"p_val": 0.1}},
            "'args' and 'model' belong to 'type'",
        ),
        ({"type": "KSDrift", "allow_unsafe_artifacts": True}, "belong to 'load'"),
        ({"type": "KSDrift", "args": {"x_ref": [1]}}, "'x_ref' is not for 'args'"),
        ({"type": "KSDrift", "args": {"update_x_ref": {"last": 9}}}, "'update_x_ref'"),
        ({"type": "OutlierVAE"}, "Input should be"),
        ({"type": "KSDrift", "model": "m.keras"}, "'model' to AdversarialAE and ModelDistill"),
        ({"type": "AdversarialAE"}, "AdversarialAE needs 'model' "),
        ({"type": "ModelDistillation", "model": "m.keras", "sha256": "00"}, "loading a model can"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(asked: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AlibiSettings.model_validate(asked)


def test_without_the_extra_the_message_says_what_to_install(tmp_path: Path) -> None:
    model = ModelSettings(reference=write_table(tmp_path / "rows.parquet", rows(50, seed=1)))
    with pytest.raises(MissingExtra, match=r"alibi\.ks: .*pip install 'sidelight\[alibi-detect\]'"):
        station(MODEL, model, "ks", AlibiSettings(type="KSDrift"), Place())


def test_a_fitted_reference_is_refused_because_it_holds_no_rows(tmp_path: Path) -> None:
    model = ModelSettings(reference=tmp_path / "fitted.npz")
    with pytest.raises(ConfigError, match="needs the rows themselves"):
        station(MODEL, model, "ks", AlibiSettings(type="KSDrift"), Place())


def test_the_service_imports_nothing_of_alibi_detect_by_itself() -> None:
    code = """
import sys
import sidelight_detectors.service.serving
assert "sidelight_detectors.alibi.serving" in sys.modules
assert not [name for name in sys.modules if name.startswith(("alibi_detect", "numba", "sklearn"))]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def _folder(place: Path) -> Path:
    folder = place / "saved"
    (folder / "state").mkdir(parents=True)
    (folder / "config.toml").write_text('name = "KSDrift"\nx_ref = "x_ref.npy"\n')
    (folder / "state" / ".hidden").write_bytes(b"1")
    (folder / "x_ref.npy").write_bytes(b"2")
    (folder / "Z.npy").write_bytes(b"3")
    return folder


def test_the_hash_of_a_folder_is_what_the_shell_makes_of_it(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    command = "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    told = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
    assert folder_sha256(folder) == told.stdout.split()[0]


def test_what_is_loaded_is_a_copy_that_was_looked_at(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    (folder / "state" / ".hidden").unlink()
    pinned = folder_sha256(folder)
    copy = pinned_copy(folder, tmp_path / "copy", pinned.upper(), False)
    (folder / "config.toml").write_text("changed since")
    assert folder_sha256(copy) == pinned


@pytest.mark.parametrize("name", ["model.dill", "meta.pickle", "clf.joblib", "net.pt", "net.h5"])
def test_files_that_can_run_code_need_a_word(tmp_path: Path, name: str) -> None:
    folder = _folder(tmp_path)
    (folder / "state" / ".hidden").rename(folder / name)
    pinned = folder_sha256(folder)
    with pytest.raises(ConfigError, match=f"{name} can run code"):
        pinned_copy(folder, tmp_path / "one", pinned, False)
    assert pinned_copy(folder, tmp_path / "two", pinned, True).is_dir()


@pytest.mark.parametrize("outside", ["../x_ref.npy", "/etc/x.dill", "a/../../x.npy"])
def test_a_folder_refers_to_nothing_outside_of_it(tmp_path: Path, outside: str) -> None:
    folder = _folder(tmp_path)
    (folder / "config.toml").write_text(f'preprocess_fn = {{src = "{outside}"}}\n')
    with pytest.raises(ArtifactError, match="outside"):
        pinned_copy(folder, tmp_path / "copy", folder_sha256(folder), True)


def test_columns_are_chosen_by_what_the_class_can_read() -> None:
    table = _table()
    names = {takes: fit_encoder(table, FEATURES, takes, ()).columns for takes in _TAKES}
    assert names == {
        "numeric": ("age",),
        "categorical": ("sex", "city"),
        "binary": ("sex",),
        "any": ("age", "sex", "city"),
        "series": ("age",),
    }
    with pytest.raises(ConfigError, match="'age' cannot be read by it: it takes categorical"):
        fit_encoder(table, FEATURES, "categorical", ["age"])
    with pytest.raises(ConfigError, match="'wage' is no feature"):
        fit_encoder(table, FEATURES, "any", ["wage"])


_TAKES: tuple[Any, ...] = ("numeric", "categorical", "binary", "any", "series")


def test_an_unknown_category_is_a_code_of_its_own_and_a_missing_number_is_not_used() -> None:
    table = _table()
    values = fit_encoder(table, FEATURES, "any", ()).encode(table)
    np.testing.assert_array_equal(values[:, 1], [0, 1, 2])
    np.testing.assert_array_equal(usable(values), [True, True, False])
    bits = fit_encoder(table, FEATURES, "binary", ()).encode(table)
    np.testing.assert_array_equal(usable(bits), [True, True, False])


def test_one_column_of_tensors_stays_as_it_is() -> None:
    table = Columns.of(image=np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    features = {"image": FeatureSettings(kind="numeric")}
    assert fit_encoder(table, features, "numeric", ()).encode(table).shape == (2, 3, 4)


@given(
    st.lists(st.integers(min_value=0, max_value=7), max_size=20),
    st.integers(min_value=1, max_value=9),
)
def test_rows_come_in_full_batches_whatever_they_arrived_in(arrivals: list[int], size: int) -> None:
    waiting, full, begin = Waiting(size), [], 0
    for offset, count in enumerate(arrivals):
        numbers = np.arange(count)
        values = np.arange(begin, begin + count, dtype=float)[:, None]
        if count:
            ones = np.ones(count, np.int64)
            full += list(waiting.add(Batch(as_rows(values), offset * ones, numbers, ones)))
        begin += count
    assert [len(batch) for batch in full] == [size] * (sum(arrivals) // size)
    assert len(waiting) == sum(arrivals) % size
    if full:
        told = matrix_of(joined(full).rows).ravel()
        np.testing.assert_array_equal(told, np.arange(len(told)))
    if len(waiting):
        offset, number = waiting.first
        assert sum(arrivals[:offset]) + number == sum(arrivals) // size * size


@pytest.mark.parametrize(
    "array",
    [
        np.array([[np.nan, -np.inf, 0.1]]),
        np.empty((0, 2, 3)),
        np.array([1], np.float32),
        np.array(3),
    ],
)
def test_a_state_keeps_its_last_bit(array: Any) -> None:
    again = unpacked(orjson.loads(orjson.dumps(packed(array))))
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()


def test_a_state_of_objects_is_refused() -> None:
    with pytest.raises(ValueError, match="no bytes"):
        packed(np.array([object()]))


def test_randomness_follows_from_seed_and_number() -> None:
    def drawn(seed: int, number: int) -> float:
        reseed(seed, number)
        return float(np.random.uniform())

    assert drawn(1, 5) == drawn(1, 5)
    assert len({drawn(1, 5), drawn(1, 6), drawn(2, 5), drawn(1, 2**32 + 5)}) == 4


def test_no_p_value_is_zero() -> None:
    permuted = p_values("MMDDrift", {"p_val": 0.0}, 100)
    assert permuted == (1 / 101,)
    assert p_values("MMDDrift", {"p_val": 0.05}, 100) == (6 / 101,)
    assert 0 < p_values("KSDrift", {"p_val": np.array([0.0], np.float32)}, 0)[0] < 1e-44


def test_a_threshold_is_one_number_also_where_alibi_detect_gives_a_list() -> None:
    assert own_threshold({"threshold": np.array([0.01, 0.02])}, 2) == (0.01, 0.01)
    assert own_threshold({"threshold": 0.025}, 2) == (0.025, 0.025)


def test_a_finding_is_read_back_from_json() -> None:
    finding = AlibiFinding(
        "KSDrift", 0, 3, 50, True, True, ("a", "b"), (0.5, math.nan), (1e-9, 1.0), (1e-3, 1e-3)
    )
    again = AlibiFinding.from_json(orjson.loads(orjson.dumps(finding)))
    assert orjson.dumps(again) == orjson.dumps(finding)
    assert [one.column for one in again.suspects()] == ["a"]
