"""Saved detectors: what is loaded, what is refused, and that a refused pickle never runs."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.errors import ArtifactError, ConfigError
from sidelight.pinning import folder_sha256
from sidelight_detectors.results.findings import OutlierResult, WindowResult
from tests.detectors.alibi_inside.at_work import appointed, drained, log_of, worker_on
from tests.detectors.traffic import rows

# Not there where types are checked.
dill = pytest.importorskip("dill")
_cd, _od = pytest.importorskip("alibi_detect.cd"), pytest.importorskip("alibi_detect.od")
CVMDriftOnline, KSDrift = _cd.CVMDriftOnline, _cd.KSDrift
IForest, Mahalanobis = _od.IForest, _od.Mahalanobis
save_detector = pytest.importorskip("alibi_detect.saving").save_detector


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A KS detector of one column: its reference as numbers, its arguments as text."""
    return _saved(KSDrift(rows(300, seed=1)["age"].values[:, None], p_val=0.01), tmp_path / "ks")


def _saved(detector: Any, folder: Path, **options: Any) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        save_detector(detector, folder, **options)
    return folder


def _evil(folder: Path, marker: Path) -> None:
    class Malice:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {marker}",)

    folder.mkdir(exist_ok=True)
    for name in ("meta.dill", "IForest.dill"):
        (folder / name).write_bytes(dill.dumps(Malice()))


def test_a_detector_of_numbers_and_text_is_loaded_by_its_hash(saved: Path, tmp_path: Path) -> None:
    at = appointed(tmp_path, load=saved, sha256=folder_sha256(saved), columns=["age"], window=50)
    said = list(drained(worker_on(log_of(rows(100, seed=2, shift=2.0)), at)))
    assert [one.finding.is_drift for one in said if isinstance(one, WindowResult)] == [True, True]


def test_a_folder_that_was_changed_is_refused(saved: Path, tmp_path: Path) -> None:
    pinned = folder_sha256(saved)
    np.save(saved / "x_ref.npy", np.zeros((300, 1)))
    with pytest.raises(ConfigError, match=f"not {pinned}"):
        appointed(tmp_path, load=saved, sha256=pinned, columns=["age"])


@pytest.mark.parametrize("name", ["meta.dill", "meta.pickle", "model.joblib", "x.pt"])
def test_what_can_run_code_is_refused_unless_allowed(
    saved: Path, tmp_path: Path, name: str
) -> None:
    (saved / name).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ConfigError, match="allow_unsafe_artifacts"):
        appointed(tmp_path, load=saved, sha256=folder_sha256(saved), columns=["age"])


def test_a_malicious_pickle_does_not_run(tmp_path: Path) -> None:
    folder, marker = tmp_path / "evil", tmp_path / "was-here"
    _evil(folder, marker)
    with pytest.raises(ConfigError, match="can run code"):
        appointed(tmp_path, load=folder, sha256=folder_sha256(folder))
    with pytest.raises(ConfigError, match="its sha256 is"):
        appointed(tmp_path, load=folder, sha256="0" * 64, allow_unsafe_artifacts=True)
    assert not marker.exists()


def test_the_same_pickle_runs_once_it_is_allowed_so_the_guard_is_what_stops_it(
    tmp_path: Path,
) -> None:
    folder, marker = tmp_path / "evil", tmp_path / "was-here"
    _evil(folder, marker)
    with pytest.raises(ArtifactError):
        appointed(tmp_path, load=folder, sha256=folder_sha256(folder), allow_unsafe_artifacts=True)
    assert marker.exists()


def test_a_numpy_file_of_pickles_does_not_run(saved: Path, tmp_path: Path) -> None:
    marker = tmp_path / "was-here"

    class Malice:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {marker}",)

    np.save(saved / "x_ref.npy", np.array([Malice()], object), allow_pickle=True)
    with pytest.raises(ArtifactError, match="alibi-detect refuses"):
        appointed(tmp_path, load=saved, sha256=folder_sha256(saved), columns=["age"])
    assert not marker.exists()


def test_a_reference_outside_of_the_folder_is_refused(saved: Path, tmp_path: Path) -> None:
    config = saved / "config.toml"
    config.write_text(config.read_text().replace("x_ref.npy", "../../x_ref.npy"))
    with pytest.raises(ArtifactError, match="lies outside"):
        appointed(tmp_path, load=saved, sha256=folder_sha256(saved), columns=["age"])


@pytest.mark.parametrize("kind", [IForest, Mahalanobis])
def test_a_trusted_pickle_is_loaded_without_tensorflow(kind: Any, tmp_path: Path) -> None:
    detector = kind()
    values = rows(300, seed=1)["age"].values[:, None]
    if kind is IForest:
        detector.fit(values)
    detector.infer_threshold(values, threshold_perc=90)
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "meta.dill").write_bytes(dill.dumps(detector.meta))
    # What their `save_detector_legacy` writes of these two, which needs TensorFlow to run.
    kept = ("threshold", "isolationforest", "mean", "C", "n", "clip", "n_components")
    state = {name: getattr(detector, name) for name in kept if hasattr(detector, name)}
    (folder / f"{kind.__name__}.dill").write_bytes(dill.dumps(state))
    asked: dict[str, Any] = {
        "load": folder,
        "sha256": folder_sha256(folder),
        "allow_unsafe_artifacts": True,
    }
    at = appointed(tmp_path, columns=["age"], window=50, **asked)
    said = list(drained(worker_on(log_of(rows(100, seed=2)), at)))
    flagged = {one.address.offset for one in said if isinstance(one, OutlierResult)}
    assert flagged == _flagged(detector, rows(100, seed=2)["age"].values)


def _flagged(detector: Any, values: Any) -> set[int]:
    halves = [detector.predict(part[:, None])["data"]["is_outlier"] for part in np.split(values, 2)]
    return set(np.flatnonzero(np.concatenate(halves)).tolist())


def test_a_trusted_function_is_loaded(tmp_path: Path) -> None:
    values = rows(300, seed=1)["age"].values[:, None]
    folder = _saved(KSDrift(values, preprocess_fn=lambda rows: -rows), tmp_path / "ks")
    asked: dict[str, Any] = {
        "load": folder,
        "sha256": folder_sha256(folder),
        "columns": ["age"],
        "window": 50,
    }
    with pytest.raises(ConfigError, match="can run code"):
        appointed(tmp_path, **asked)
    at = appointed(tmp_path, allow_unsafe_artifacts=True, **asked)
    said = list(drained(worker_on(log_of(rows(50, seed=2, shift=2.0)), at)))
    assert [type(one).__name__ for one in said] == ["PromiseResult", "WindowResult", "Alarm"]


def test_a_saved_online_detector_goes_on_from_its_own_state(tmp_path: Path) -> None:
    values = rows(300, seed=1)["age"].values[:, None]
    args = {"ert": 1000, "window_sizes": [10], "n_bootstraps": 2000, "verbose": False}
    detector = CVMDriftOnline(values, **args)
    for value in values[:25]:
        detector.predict(value)
    detector.save_state(tmp_path / "online" / "state")
    folder = _saved(detector, tmp_path / "online")
    asked: dict[str, Any] = {"load": folder, "sha256": folder_sha256(folder), "columns": ["age"]}
    at = appointed(tmp_path, window=30, **asked)
    online = at.watching(0)._online  # type: ignore[attr-defined]
    assert online.rows == 25
    ours = [online.predict(value)["test_stat"] for value in values[25:30]]
    again = at.watching(0)._online  # type: ignore[attr-defined]
    again.restore(online.saved())
    ours += [again.predict(value)["test_stat"] for value in values[30:40]]
    theirs = [detector.predict(value)["data"]["test_stat"] for value in values[25:40]]
    np.testing.assert_array_equal(ours, theirs)
