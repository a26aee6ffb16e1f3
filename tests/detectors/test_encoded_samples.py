"""Real digits and real texts: what drifts is found in one window, what does not is let alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from tests.detectors.data import digits, texts

WINDOW, REFERENCE = 200, 4000
Pictures = NDArray[np.uint8]


def fitted(rows: Any, kind: str, encode: Any = None, **detectors: Any) -> Fitted:
    drift = {"window": WINDOW, "alarm": {"rule": "windows"}}
    model = {
        "features": {"x": {"kind": kind, **({"encode": encode} if encode else {})}},
        "detectors": detectors or {"drift": drift},
    }
    return fit(Columns.of(x=rows), ModelSettings.model_validate(model))


def drifts(reference: Fitted, rows: Any, window: int = 1) -> bool:
    summary = reference.summarise(reference.index(Columns.of(x=rows[:WINDOW])))
    return reference.judge(summary, window).is_drift


def noisy(pictures: Pictures) -> Pictures:
    noise = np.random.RandomState(0).normal(0, 60, pictures.shape)
    return (pictures + noise).clip(0, 255).astype(np.uint8)


CORRUPTIONS: dict[str, Callable[[Pictures], Pictures]] = {
    "blur": lambda pictures: gaussian_filter(pictures, (0, 1, 1)),
    "noise": noisy,
    "faded": lambda pictures: pictures // 2,
    "bright": lambda pictures: pictures // 2 + 100,
    "inverted": lambda pictures: 255 - pictures,
    "rotated": lambda pictures: np.rot90(pictures, axes=(1, 2)),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Probabilities of a small network that reads digits (black-box shift detection)."""
    from skl2onnx import to_onnx

    pictures, labels = digits()
    flat = (pictures[:2000].reshape(-1, 784) / 255).astype(np.float32)
    model = MLPClassifier((32,), random_state=0, max_iter=12, early_stopping=False)
    model.fit(flat, labels[:2000])
    path = tmp_path_factory.mktemp("network") / "digits.onnx"
    made = to_onnx(model, flat[:1], options={id(model): {"zipmap": False}})
    path.write_bytes(made.SerializeToString())
    return path


@pytest.fixture(scope="module", params=["statistics", "pca", "projection", "onnx"])
def reference(request: pytest.FixtureRequest, network: Path) -> tuple[str, Fitted]:
    encode = request.param
    if encode == "onnx":
        encode = {"onnx": {"path": str(network), "scale": 1 / 255, "output": "probabilities"}}
    return request.param, fitted(digits()[0][:REFERENCE], "image", encode)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_digits_that_were_held_out_do_not_drift(reference: tuple[str, Fitted]) -> None:
    held_out = digits()[0][REFERENCE:]

    windows = range(0, len(held_out), WINDOW)
    assert not any(drifts(reference[1], held_out[at:], at // WINDOW + 1) for at in windows)


MISSED = {("statistics", "rotated")}
"""A rotated digit has the light, contrast and sharpness of an upright one."""


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_corrupted_digits_drift_in_one_window_save_for_what_an_encoder_cannot_see(
    reference: tuple[str, Fitted], corruption: str
) -> None:
    found = drifts(reference[1], CORRUPTIONS[corruption](digits()[0][REFERENCE:]))
    assert found == ((reference[0], corruption) not in MISSED)


@pytest.fixture(scope="module")
def strangers() -> Fitted:
    detector = {"method": "knn", "rate": 0.05}
    return fitted(digits()[0][:REFERENCE], "image", outlier=detector)


@pytest.mark.parametrize(
    ("corruption", "least"),
    [("inverted", 0.99), ("noise", 0.9), ("bright", 0.99), ("rotated", 0.75)],
)
def test_strange_digits_are_outliers(strangers: Fitted, corruption: str, least: float) -> None:
    held_out = digits()[0][REFERENCE:]
    scores = []
    for rows in (held_out, CORRUPTIONS[corruption](held_out)):
        found = strangers.score(strangers.index(Columns.of(x=rows)))
        assert found is not None
        scores.append(found)

    area = roc_auc_score([0] * 1000 + [1] * 1000, np.concatenate([one.scores for one in scores]))
    print(f"{corruption}: AUC {area:.3f}")
    assert area > least
    assert scores[0].flagged.mean() < 0.08


@pytest.fixture(scope="module")
def films() -> Fitted:
    return fitted(texts("movies")[:8000], "text")


def test_reviews_of_films_that_were_held_out_do_not_drift(films: Fitted) -> None:
    held_out = texts("movies")[8000:]

    windows = range(0, len(held_out) - WINDOW, WINDOW)
    assert not any(drifts(films, held_out[at:], at // WINDOW + 1) for at in windows)


@pytest.mark.parametrize("encode", ["statistics", "tfidf"])
@pytest.mark.parametrize("domain", ["amazon", "nyt", "tweets"])
def test_another_domain_drifts_in_one_window(encode: str, domain: str) -> None:
    assert drifts(fitted(texts("movies")[:REFERENCE], "text", encode), texts(domain))


def test_texts_in_another_script_or_encoding_are_outliers() -> None:
    reference = fitted(texts("movies")[:REFERENCE], "text", "statistics", outlier={"rate": 0.02})
    strange = ["Это совсем другой язык, и слова здесь другие.", "%$#&@" * 20, "\x00\x01" * 40]

    found = reference.score(reference.index(Columns.of(x=np.array(strange, object))))

    assert found is not None
    assert found.flagged.all()
    names = [reference.columns[place] for place in found.contributions.argmax(axis=1)]
    assert names[0] in ("x.cyrillic", "x.latin", "x.unknown")
