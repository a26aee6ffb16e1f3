"""What explanations of texts and pictures cost, and whether the models rest on what they name.

*Cost*: the seconds that one explanation takes beside the predictor, which is a trivial function in
this process; rows and calls as the explanation counts them; the memory by which the
process's peak grew.
*Deletion*: words of held-out film reviews (TF-IDF, logistic regression) and inked pixels of
held-out digits (perceptron) go in the order that an explanation gives, those that raise the
decided class most first; told is the mean probability of that class while they go, so less is
better. *shap partition* is `shap.PartitionExplainer` with its default budget of 500 rows.
Run: ``python -m benchmarks.media``.
"""

from __future__ import annotations

import resource
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shap
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sidelight.demo import samples
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.texts.units import words
from tests.explainers.media import Explain, of_pictures, of_texts
from tests.explainers.serving import Floats

DATA = Path("build/data")
EXPLAINED = 20

Score = Callable[[str], float]
Told = tuple[Floats, int]
Shares = Callable[[str, int], Told]
"""The share of each word of a text in a decision's probability, and the rows that took."""


def main() -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"\n{'cost':<38}{'rows':>6}{'calls':>7}{'seconds':>9}{'MB':>6}")
    for name, explain, value in _costs():
        _tell_cost(name, explain, value)
    print(f"\n{'deletion of ' + str(EXPLAINED):<38}{'rows':>6}{'area':>10}")
    for name, rows, area in (*_of_reviews(), *_of_digits()):
        print(f"{name:<38}{rows:>6}{area:>10.3f}")


def _costs() -> Iterator[tuple[str, Explain, Any]]:
    rng = np.random.default_rng(0)
    for count in (30, 300):
        letters = rng.integers(97, 123, (count, 6)).tolist()
        text = " ".join("".join(map(chr, word)) for word in letters)
        yield f"leave one out, {count} words", of_texts(len, "leave_one_out"), text
        yield f"Owen values, {count} words", of_texts(len, "shapley", hierarchy="sentences"), text
        yield f"Shapley values, {count} words", of_texts(len, "shapley"), text
    for side, dtype in ((28, np.uint8), (224, np.float32)):
        picture = (rng.random((side, side, 3)) * (255 if dtype == np.uint8 else 1)).astype(dtype)
        for method in ("occlusion", "rise", "shapley"):
            yield f"{method}, {side} x {side} x 3", of_pictures(_corner, method), picture


def _corner(pictures: NDArray[Any]) -> Floats:
    return np.asarray(pictures[:, :9, :9].mean(axis=(1, 2, 3)), np.float64)


def _tell_cost(name: str, explain: Explain, value: Any) -> None:
    before = _megabytes()
    explain(value)
    begin = time.perf_counter()
    quality = explain(value).quality
    seconds = time.perf_counter() - begin
    grown = _megabytes() - before
    print(f"{name:<38}{quality.rows:>6}{quality.calls:>7}{seconds:>9.3f}{grown:>6.0f}", flush=True)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _of_reviews() -> Iterator[tuple[str, int, float]]:
    texts, rating = samples.rated(DATA, "movies")
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=10)
    ).fit(texts[:9000], rating[:9000] > 0)
    long = [text for text in texts[9000:] if 15 <= len(words(text)) <= 40][:EXPLAINED]
    decided = model.predict(long).astype(int)

    def score(decision: int) -> Score:
        return lambda text: float(model.predict_proba([text])[0, decision])

    def area(
        name: str, explain: Callable[[str, int], tuple[Floats, int]]
    ) -> tuple[str, int, float]:
        found = [explain(text, int(one)) for text, one in zip(long, decided, strict=True)]
        areas = [
            _words_gone(text, shares, score(int(one)))
            for text, one, (shares, _) in zip(long, decided, found, strict=True)
        ]
        return f"reviews, {name}", int(np.mean([rows for _, rows in found])), float(np.mean(areas))

    rng = np.random.default_rng(0)
    yield area("random", lambda text, _: (rng.random(len(words(text))), 0))
    for method, budget in (("leave_one_out", 500), ("shapley", 500), ("shapley", 2048)):

        def shares(text: str, one: int, method: str = method, rows: int = budget) -> Told:
            return _told(of_texts(score(one), method, budget=rows)(text))

        yield area(f"{method}, budget {budget}", shares)
    yield area("shap partition", lambda text, one: _partition(model, text, one))


def _told(explanation: Explanation) -> Told:
    told = explanation.to_json()["data"]["attributions"]
    return np.array([one["contribution"] for one in told]), explanation.quality.rows


def _partition(model: Any, text: str, decision: int) -> Told:
    """The same words, by shap."""
    spans = words(text)
    pieces = [text[start:end] for start, end in spans]

    def of_masks(masks: NDArray[Any]) -> Floats:
        texts = [" ".join(np.array(pieces)[row.astype(bool)]) for row in masks]
        return np.asarray(model.predict_proba(texts)[:, decision])

    tree = linkage(np.arange(len(spans), dtype=float)[:, None], "complete")
    masker = shap.maskers.Partition(np.zeros((1, len(spans))), clustering=tree)
    found = shap.PartitionExplainer(of_masks, masker)(np.ones((1, len(spans))), max_evals=500)
    return np.asarray(found.values[0]), 500


def _words_gone(text: str, shares: Floats, score: Score) -> float:
    pieces = [text[start:end] for start, end in words(text)]
    order, left = np.argsort(-shares), list(range(len(pieces)))
    told = [score(" ".join(pieces))]
    for gone in order:
        left.remove(int(gone))
        told.append(score(" ".join(pieces[at] for at in left)))
    return float(np.mean(told))


def _of_digits() -> Iterator[tuple[str, int, float]]:
    pictures, truth = samples.digits(DATA)
    network = MLPClassifier((100,), max_iter=30, random_state=0)
    network.fit(pictures[:4000].reshape(4000, -1) / 255, truth[:4000])
    shown = pictures[4000 : 4000 + EXPLAINED]
    decided = network.predict(shown.reshape(EXPLAINED, -1) / 255)

    def score(digit: int) -> Callable[[NDArray[Any]], Floats]:
        return lambda rows: np.asarray(
            network.predict_proba(rows.reshape(len(rows), -1) / 255)[:, digit]
        )

    rng = np.random.default_rng(0)
    areas = [
        _ink_gone(picture, rng.random((28, 28)), score(int(one)))
        for picture, one in zip(shown, decided, strict=True)
    ]
    yield "digits, random", 0, float(np.mean(areas))
    black = {"baselines": ["constant"]}
    grid = {**black, "segments": "grid", "count": 49}
    for name, method, options in (
        ("occlusion", "occlusion", {"image": black}),
        ("rise", "rise", {"image": black}),
        ("rise, 500 rows", "rise", {"image": black, "budget": 500}),
        ("shapley, superpixels", "shapley", {"image": black}),
        ("shapley, grid", "shapley", {"image": grid}),
    ):
        told = [
            (of_pictures(score(int(one)), method, **options)(picture), picture, int(one))
            for picture, one in zip(shown, decided, strict=True)
        ]
        areas = [_ink_gone(picture, _heat(one), score(digit)) for one, picture, digit in told]
        rows = int(np.mean([one.quality.rows for one, _, _ in told]))
        yield f"digits, {name}", rows, float(np.mean(areas))


def _heat(explanation: Explanation) -> Floats:
    told = explanation.to_json()["data"]
    if "heat" in told:
        return np.array(told["heat"])
    shares = np.array([one["contribution"] for one in told["attributions"]])
    return np.asarray(shares[np.array(told["segments"])])


def _ink_gone(
    picture: NDArray[np.uint8], heat: Floats, score: Callable[[NDArray[Any]], Floats]
) -> float:
    ink = np.flatnonzero(picture.reshape(-1))
    order = ink[np.argsort(-heat.reshape(-1)[ink])]
    rows = np.repeat(picture.reshape(1, -1), len(order) + 1, axis=0)
    for step, pixel in enumerate(order):
        rows[step + 1 :, pixel] = 0
    return float(score(rows).mean())


if __name__ == "__main__":
    main()
