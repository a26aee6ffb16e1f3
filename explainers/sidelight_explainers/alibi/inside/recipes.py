"""How an explainer is made anew for each explanation, so that none inherits another's state."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.alibi.inside import texts
from sidelight_explainers.alibi.inside.importing import Refused, alibi_explainer
from sidelight_explainers.alibi.inside.wire import Message

BATCHES = 100
"""Of samples, that anchors reserve memory for at a time; alibi's default is 10,000."""

Predict = Callable[[Any], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Question:
    """What one request asks: `instance` as alibi's ``explain`` takes it (None for the reference),
    and further arguments."""

    instance: Any
    seed: int
    arguments: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Made:
    """An explainer of a class, from what the configuration says."""

    name: str
    kind: Any
    setup: Message
    resources: Mapping[str, Any]

    def explainer(self, predict: Predict, question: Question) -> Any:
        told, reference = self.setup.told, self.setup.arrays.get("reference")
        given = {**self._follows(question), **_ranges(told["args"]), **self.resources}
        explainer = self.kind(self._model(predict), **given)
        if reference is not None and _fits(self.kind):
            explainer.fit(reference, **told["fit"])
        return explainer

    def explain(self, explainer: Any, question: Question) -> Any:
        arrays = self.setup.arrays
        instance = arrays["reference"] if question.instance is None else question.instance
        outcomes = (arrays["truth"],) if "truth" in arrays else ()
        given = {**_spared(explainer), **question.arguments}
        return explainer.explain(instance, *outcomes, **given)

    def _model(self, predict: Predict) -> Any:
        """IntegratedGradients reads the model itself; all others ask."""
        path = self.setup.told["model"]
        if path is None:
            return predict
        # Loaded here, not before the fork: what TensorFlow has once computed with does not survive.
        return importlib.import_module("tensorflow.keras.models").load_model(path)

    def _follows(self, question: Question) -> dict[str, Any]:
        """The arguments that follow from the model and the request."""
        told, reference = self.setup.told, self.setup.arrays.get("reference")
        names = {int(at): found for at, found in told["categories"].items()}
        known = {
            "feature_names": told["features"],
            "categorical_names": names or None,
            "seed": question.seed,
            "image_shape": np.shape(question.instance),
            "shape": np.shape(question.instance),
        }
        if reference is not None:
            known["feature_range"] = (
                reference.min(0, keepdims=True),
                reference.max(0, keepdims=True),
            )
        takes = inspect.signature(self.kind).parameters
        return {name: value for name, value in known.items() if name in takes}


@dataclass(frozen=True, eq=False)
class Loaded:
    """An explainer that alibi saved."""

    name: str
    saved: Any

    def explainer(self, predict: Predict, question: Question) -> Any:
        self.saved.reset_predictor(predict)
        return self.saved

    def explain(self, explainer: Any, question: Question) -> Any:
        return explainer.explain(question.instance, **{**_spared(explainer), **question.arguments})


Recipe = Made | Loaded


def prepare(setup: Message, predict: Predict) -> Recipe:
    """What all explanations start from; `Refused` says what is wrong with the configuration."""
    told = setup.told
    if told["load"] is not None:
        alibi_explainer("ALE")
        saved = importlib.import_module("alibi.saving").load_explainer(told["load"], predict)
        return Loaded(str(saved.meta["name"]), saved)
    kind = alibi_explainer(told["type"])
    _check(kind, "args", told)
    _check(getattr(kind, "fit", None), "fit", told)
    _check(kind.explain, "explain", told)
    asks_spacy = told["type"] == "AnchorText"
    resources = {"nlp": texts.language(told["args"].get("nlp", "en"))} if asks_spacy else {}
    return Made(told["type"], kind, setup, resources)


def _check(method: Any, section: str, told: Mapping[str, Any]) -> None:
    takes = inspect.signature(method).parameters if method else {}
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values()):
        return
    for name in told[section]:
        if name not in takes:
            known = ", ".join(one for one in takes if one != "self") or "none"
            raise Refused(f"{section}.{name}: {told['type']} knows no such; known are {known}")


def _spared(explainer: Any) -> dict[str, Any]:
    """Anchors reserve place for a million samples at once; they take more when they need it."""
    takes = inspect.signature(explainer.explain).parameters
    return {"binary_cache_size": BATCHES} if "binary_cache_size" in takes else {}


def _fits(kind: Any) -> bool:
    """Counterfactual has a ``fit`` that does nothing and wants labels for it."""
    return hasattr(kind, "fit") and "y" not in inspect.signature(kind.fit).parameters


def _ranges(given: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of numbers as arrays, which is what alibi calculates with."""
    ranged = {name: value for name, value in given.items() if name == "feature_range"}
    arrays = {
        name: tuple(np.asarray(one, float) for one in value) for name, value in ranged.items()
    }
    return {**given, **arrays}
