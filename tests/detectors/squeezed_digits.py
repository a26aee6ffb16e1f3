"""Handwritten digits, a small model of them, and pictures that fool it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from sidelight.tensors import Columns
from tests.detectors import data

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from art.attacks.evasion import CarliniL2Method, HopSkipJump, SimBA, SquareAttack
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork
    from art.estimators.classification.classifier import ClassGradientsMixin

Pictures = NDArray[np.float32]
"""Shape ``(n, 28, 28)``, in [0, 1]."""

TRAINED, CALIBRATED = 3000, 4000
"""Rows before the first train the model, those between calibrate, the others are asked about."""


@dataclass(frozen=True, eq=False)
class Digits:
    """A multi-layer perceptron with one hidden layer, and pictures that it has not seen."""

    model: MLPClassifier
    reference: Pictures
    others: Pictures
    truth: NDArray[np.int64]

    def probabilities(self, pictures: NDArray[Any]) -> NDArray[np.float64]:
        flat = np.asarray(pictures, np.float32).reshape(len(pictures), -1)
        found: NDArray[np.float64] = self.model.predict_proba(flat)
        return found

    def answer(self, rows: Columns) -> Columns:
        """What the server of this model says."""
        found = Columns.of(probability=self.probabilities(rows["picture"].values))
        return Columns(found.columns, {"model_name": "digits", "model_version": "1"})

    def hidden(self, pictures: NDArray[Any]) -> NDArray[np.float64]:
        flat = np.asarray(pictures, np.float64).reshape(len(pictures), -1)
        return np.asarray(flat @ self.model.coefs_[0] + self.model.intercepts_[0], np.float64)

    def logits(self, pictures: NDArray[Any]) -> NDArray[np.float64]:
        found = np.maximum(self.hidden(pictures), 0) @ self.model.coefs_[1]
        return np.asarray(found + self.model.intercepts_[1], np.float64)


@cache
def digits(units: int = 128) -> Digits:
    """Trained here, in a quarter of a minute."""
    images, labels = data.digits()
    pictures = (images / np.float32(255)).astype(np.float32).round(4)
    model = MLPClassifier((units,), max_iter=40, alpha=1e-3, random_state=0, tol=0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # It stops before it has converged.
        model.fit(pictures[:TRAINED].reshape(TRAINED, -1), labels[:TRAINED])
    reference, others = pictures[TRAINED:CALIBRATED], pictures[CALIBRATED:]
    return Digits(model, reference, others, labels[CALIBRATED:])


class _WithGradients(ClassGradientsMixin, BlackBoxClassifierNeuralNetwork):  # type: ignore[misc]
    """What Carlini and Wagner's attack needs: it knows the weights."""

    known: Digits

    def class_gradient(self, x: Any, label: Any = None, **_: Any) -> NDArray[np.float32]:
        hidden, (inner, outer) = self.known.hidden(x) > 0, self.known.model.coefs_
        if label is None:
            found = np.einsum("nh,hc,dh->ncd", hidden, outer, inner)
        else:
            found = ((hidden * outer[:, np.broadcast_to(label, len(x))].T) @ inner.T)[:, None]
        shaped: NDArray[np.float32] = found.reshape(len(x), -1, *x.shape[1:]).astype(np.float32)
        return shaped


FAMILIES: Mapping[str, Callable[[Any, Any], Any]] = {
    "hop-skip-jump": lambda asked, _: HopSkipJump(
        asked, max_iter=10, max_eval=300, init_eval=10, init_size=200, verbose=False
    ),
    "square": lambda asked, _: SquareAttack(asked, eps=0.25, max_iter=300, verbose=False),
    "simba": lambda asked, _: SimBA(asked, attack="px", max_iter=1500, epsilon=0.3, verbose=False),
    "carlini-wagner": lambda _, known: _carlini_wagner(known, confidence=0.0),
    "confident c-w": lambda _, known: _carlini_wagner(known, confidence=5.0),
}
"""By name: the attack of a model that is asked, or of one whose weights are known."""


def _carlini_wagner(known: Any, confidence: float) -> Any:
    """The margin by which the wrong class is to win is `confidence`, in logits."""
    return CarliniL2Method(
        known,
        confidence=confidence,
        max_iter=40,
        binary_search_steps=5,
        learning_rate=0.1,
        initial_const=1.0,
        batch_size=64,
        verbose=False,
    )


def fooling(known: Digits, family: str, count: int) -> Pictures:
    """As many of `count` pictures, each answered rightly as it was, as now get a wrong answer."""
    answered = known.probabilities(known.others).argmax(axis=1)
    chosen = np.flatnonzero(answered == known.truth)[:count]
    start, truth = known.others[chosen][..., None], known.truth[chosen]
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attack = FAMILIES[family](*_models(known))
        found = np.asarray(attack.generate(start), np.float32)[..., 0]
    fools: Pictures = found[known.probabilities(found).argmax(axis=1) != truth]
    return fools


def ordinary(known: Digits, count: int) -> Pictures:
    """The last pictures, which nobody has attacked."""
    return known.others[-count:]


def _models(known: Digits) -> tuple[Any, Any]:
    form = ((28, 28, 1), 10)
    how = {"channels_first": False, "clip_values": (0.0, 1.0)}
    asked = BlackBoxClassifierNeuralNetwork(known.probabilities, *form, **how)
    weighed = _WithGradients(known.logits, *form, **how)
    weighed.known = known
    return asked, weighed
