"""alibi-detect's adversarial detectors, made and loaded, on attacked digits; needs TensorFlow."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, MissingExtra
from sidelight.events.exchanges import to_record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.pinning import folder_sha256
from sidelight.tensors import Column, Columns
from sidelight_detectors.alibi.station import Station, station
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import OutlierResult
from sidelight_detectors.stations.place import Place
from tests.detectors.alibi_inside.at_work import drained, worker_on, write_table
from tests.detectors.traffic import MODEL, exchange, json_body, rows

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None
KERAS_2 = os.environ.get("TF_USE_LEGACY_KERAS") == "1"
FEATURES = tuple(f"p{place:02d}" for place in range(64))
RATE = 0.05
DEFENDERS: dict[str, dict[str, Any]] = {
    "AdversarialAE": {"layers": [64, 24], "epochs": 60, "batch_size": 32},
    "ModelDistillation": {"layers": [64], "epochs": 60, "batch_size": 32},
}

needs_tensorflow = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")
with_either = pytest.mark.parametrize("kind", DEFENDERS)

Pixels = NDArray[np.float64]


@dataclass(frozen=True)
class Digits:
    """A classifier, and rows that it was not trained on; the attacked ones deceive it."""

    classifier: Any
    reference: Pixels
    benign: Pixels
    attacked: Pixels


@cache
def digits() -> Digits:
    """Attacked by the sign of the gradient (Goodfellow et al. 2015)."""
    from sklearn.datasets import load_digits

    tensorflow = importlib.import_module("tensorflow")
    keras = tensorflow.keras
    keras.utils.set_random_seed(0)
    pixels, labels = load_digits(return_X_y=True)
    pixels = pixels / 16.0
    layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10, "softmax")]
    classifier = keras.Sequential([keras.Input((64,)), *layers])
    classifier.compile("adam", "sparse_categorical_crossentropy")
    order = np.random.default_rng(0).permutation(len(pixels))
    (pixels, *rest), (labels, *others) = (
        np.split(part[order], [600, 1200]) for part in (pixels, labels)
    )
    classifier.fit(pixels, labels, epochs=40, verbose=0)
    reference, benign, truth = *rest, others[1]
    asked = tensorflow.constant(benign, tensorflow.float32)
    with tensorflow.GradientTape() as tape:
        tape.watch(asked)
        answers = classifier(asked)
        loss = keras.losses.sparse_categorical_crossentropy(truth, answers)
    step = np.sign(tape.gradient(loss, asked).numpy())
    moved = np.clip(benign + 0.15 * step, 0, 1)
    is_right = answers.numpy().argmax(1) == truth
    errs = classifier(moved).numpy().argmax(1) != truth
    return Digits(classifier, reference, benign, moved[is_right & errs])


def columns(pixels: Pixels) -> Columns:
    return Columns(tuple(Column(*pair) for pair in zip(FEATURES, pixels.T, strict=True)))


def log_of(pixels: Pixels) -> MemoryLog:
    log = MemoryLog()
    for number, row in enumerate(pixels.tolist()):
        tensors = [
            {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
            for name, value in zip(FEATURES, row, strict=True)
        ]
        asked = exchange(rows(1, 1), number, request=json_body({"inputs": tensors}))
        log.append(INFERENCE, [to_record(asked)])
    return log


def appointed(folder: Path, **asked: Any) -> Station:
    model = ModelSettings.model_validate(
        {
            "reference": write_table(folder / "reference.parquet", columns(digits().reference)),
            "features": dict.fromkeys(FEATURES, "numeric"),
            "detectors": {"alibi": {"watch": {"rate": RATE, "window": 50, **asked}}},
        }
    )
    assert model.detectors.alibi is not None
    return station(MODEL, model, "watch", model.detectors.alibi["watch"], Place())


def defended(folder: Path) -> dict[str, Any]:
    """The classifier as a file, pinned and allowed."""
    file = folder / "classifier.keras"
    digits().classifier.save(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"model": file, "sha256": sha256, "allow_unsafe_artifacts": True}


def flagged(at: Station, pixels: Pixels) -> set[int]:
    said = list(drained(worker_on(log_of(pixels), at)))
    results = [one for one in said if isinstance(one, OutlierResult)]
    records = [output_record(one) for one in results]
    assert all(output_record(output_of(record)) == record for record in records)
    return {one.address.offset for one in results}


@pytest.mark.skipif(HAS_TENSORFLOW, reason="TensorFlow is installed")
@with_either
def test_without_tensorflow_the_message_says_what_is_missing(kind: str, tmp_path: Path) -> None:
    reference = write_table(tmp_path / "reference.parquet", rows(50, seed=1))
    model = ModelSettings(reference=reference)
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / f"{kind}.dill").write_bytes(b"")
    allowed: dict[str, Any] = {"allow_unsafe_artifacts": True, "columns": ["age"]}
    for asked in (
        {"type": kind, "model": tmp_path / "m.keras", "sha256": "00"},
        {"load": saved, "sha256": folder_sha256(saved)},
    ):
        settings = ModelSettings.model_validate(
            {"detectors": {"alibi": {"watch": {**asked, **allowed}}}}
        ).detectors.alibi
        assert settings is not None
        with pytest.raises(MissingExtra, match=f"{kind} needs TensorFlow; run: pip install"):
            station(MODEL, model, "watch", settings["watch"], Place())


@needs_tensorflow
@with_either
def test_attacked_digits_are_flagged_and_few_others(kind: str, tmp_path: Path) -> None:
    at = appointed(tmp_path, type=kind, args=DEFENDERS[kind], **defended(tmp_path))
    attacked = digits().attacked[:200]
    found = len(flagged(at, attacked)) / len(attacked)
    false = len(flagged(at, digits().benign[:400])) / 400
    print(f"{kind}: {found:.3f} of {len(attacked)} deceiving rows, {false:.3f} of 400 others")
    assert false < 2 * RATE
    assert found > 3 * RATE
    assert at.promise.startswith(f"No promise: {kind} flags rows")


@needs_tensorflow
@with_either
def test_made_again_it_flags_the_same_rows(kind: str, tmp_path: Path) -> None:
    asked = {"type": kind, "args": {**DEFENDERS[kind], "epochs": 3}, **defended(tmp_path)}
    first, second = (appointed(tmp_path, **asked) for _ in range(2))
    assert first.detector.threshold == second.detector.threshold
    assert first.plan == second.plan
    pixels = digits().attacked[:100]
    np.testing.assert_array_equal(*(at.detector.score(pixels) for at in (first, second)))
    assert flagged(first, pixels) == flagged(second, pixels)


@needs_tensorflow
@with_either
def test_a_saved_one_is_loaded(kind: str, tmp_path: Path) -> None:
    args = {**DEFENDERS[kind], "epochs": 3}
    made = appointed(tmp_path, type=kind, args=args, **defended(tmp_path)).detector
    folder = tmp_path / "saved"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            importlib.import_module("alibi_detect.saving").save_detector(made, folder)
        except RuntimeError:
            assert (kind, KERAS_2) == ("AdversarialAE", False)
            pytest.skip("alibi-detect saves AdversarialAE with TF_USE_LEGACY_KERAS=1 only")
    at = appointed(tmp_path, load=folder, sha256=folder_sha256(folder), allow_unsafe_artifacts=True)
    pixels = digits().attacked[:100]
    assert flagged(at, pixels) == set(np.flatnonzero(made.score(pixels) > made.threshold).tolist())


@needs_tensorflow
def test_a_checkpoint_of_keras_2_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_USE_LEGACY_KERAS", raising=False)
    folder = tmp_path / "saved"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "ae.ckpt.index").touch()
    (folder / "AdversarialAE.dill").touch()
    with pytest.raises(ConfigError, match="set TF_USE_LEGACY_KERAS=1"):
        appointed(tmp_path, load=folder, sha256=folder_sha256(folder), allow_unsafe_artifacts=True)


@needs_tensorflow
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sha256": "0" * 64}, "its sha256 is"),
        ({"args": {"layers": [0]}}, "is no list of widths"),
        ({"args": {"nonsense": 1}}, "alibi-detect refuses AdversarialAE"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    tmp_path: Path, wrong: dict[str, Any], told: str
) -> None:
    asked = {"type": "AdversarialAE", **defended(tmp_path), **wrong}
    with pytest.raises(ConfigError, match=told):
        appointed(tmp_path, **asked)
