"""Every registered method over each kind of input it explains, on models whose truth is known.

The models are functions of each row alone, so that a row's answer never depends on the rows it
travels with.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import numpy as np

from sidelight.config.explaining.alibi import AlibiSettings
from sidelight.config.explaining.method import MethodSettings, Modality
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Watcher, unwatched
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.methods import OPENING
from sidelight_explainers.models import Explained, explained
from sidelight_explainers.subject import Subject
from sidelight_explainers.wishes import wish
from tests.peers import peer_python

Function = Callable[[Columns], Columns]


@dataclass(frozen=True, eq=False)
class World:
    """A model: its features, its reference with the true outcomes, and rows to explain.

    `uneven` is a model much like `function` in which nothing is equal to anything else.
    """

    features: Mapping[str, str]
    function: Function
    uneven: Function
    rows: Columns
    reference: Columns | None = None
    truth: Columns = field(default_factory=lambda: Columns(()))


def _probability(score: Any) -> Columns:
    yes = 1 / (1 + np.exp(-np.asarray(score, float)))
    return Columns((Column("probability", np.stack([1 - yes, yes], axis=1)),))


def _table(rows: int, seed: int) -> Columns:
    """`left` and `right` play the same part; `idle` none. Each row is there with both exchanged."""
    rng = np.random.default_rng(seed)
    pairs = rng.normal(size=(rows // 2, 2)).round(2)
    cities = rng.choice(["north", "south", "west"], rows // 2).astype(object)
    mirrored = np.concatenate([pairs, pairs[:, ::-1]])
    return Columns.of(
        left=mirrored[:, 0],
        right=mirrored[:, 1],
        age=np.tile(rng.integers(18, 80, rows // 2), 2),
        city=np.tile(cities, 2),
        idle=np.tile(rng.normal(size=rows // 2).round(2), 2),
    )


def _of_table(rows: Columns, unevenness: float = 0.0) -> Columns:
    left, right = rows["left"].values, rows["right"].values
    north = np.array([city == "north" for city in rows["city"].values])
    age = rows["age"].values.astype(float)
    even = left + right + left * right + north - (age - 50) / 20
    return _probability(even + unevenness * (left + 0.1))


def _tabular() -> World:
    reference = _table(60, seed=1)
    rows = _table(8, seed=2)
    same = rows["left"].values
    rows = Columns(
        tuple(column if column.name != "right" else Column("right", same) for column in rows)
    )
    kinds = dict.fromkeys(("left", "right", "age", "idle"), "numeric")
    features = {name: kinds.get(name, "categorical") for name in reference.names}
    truth = _of_table(reference)["probability"].values[:, 1] > 0.5
    outcomes = Columns((Column("truth", truth.astype(int)),))
    return World(
        features, _of_table, partial(_of_table, unevenness=0.17), rows, reference, outcomes
    )


def _of_text(rows: Columns, unevenness: float = 0.0) -> Columns:
    words = [text.lower().split() for text in rows.columns[0].values]
    even = [one.count("good") + one.count("fine") - 2 * one.count("bad") for one in words]
    uneven = [one.count("good") + 0.1 * len(one) + 0.03 for one in words]
    return _probability(np.array(even) + unevenness * np.array(uneven))


def _text() -> World:
    texts = [f"a good and fine day number {at} with nothing bad" for at in range(8)]
    return World(
        {"text": "text"}, _of_text, partial(_of_text, unevenness=0.17), Columns.of(text=texts)
    )


def _of_picture(rows: Columns) -> Columns:
    corner = rows.columns[0].values[:, :8, :8, 0].reshape(len(rows), -1).astype(float)
    return _probability(np.array([one.sum() for one in corner]) / 64 / 50 - 2)


def _image() -> World:
    pictures = np.random.default_rng(3).integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)
    pictures[:, :8, :8] //= 4
    pictures[:, :8, :8] += 180
    return World(
        {"picture": "image"}, _of_picture, _of_picture, Columns((Column("picture", pictures),))
    )


WORLDS: Mapping[Modality, Callable[[], World]] = {
    "tabular": _tabular,
    "text": _text,
    "image": _image,
}

NEEDED: Mapping[str, Mapping[str, Any]] = {}
"""Options without which a method cannot be configured for these models."""


@functools.cache
def world(modality: Modality) -> World:
    return WORLDS[modality]()


@dataclass(frozen=True, eq=False)
class Case:
    """A method over one kind of input; `name` tells the ways of one method apart."""

    method: str
    modality: Modality
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    def __str__(self) -> str:
        return "-".join(filter(None, (self.method, self.modality, self.name)))

    @property
    def world(self) -> World:
        return world(self.modality)

    @property
    def is_local(self) -> bool:
        return _settings(self.method).model_validate(self.options).scope == "local"

    def model(self, function: Function | None = None) -> Explained:
        """The world's model, or another one with the same features, with this method alone."""
        settings = ModelSettings.model_validate(
            {"features": self.world.features, "explainers": self._explainers()}
        )
        reference = self.world.reference
        table = None if reference is None else Columns((*reference, *self.world.truth))
        names = tuple(self.world.features)
        subject = Subject("m", settings, names, reference, table)
        return explained(subject, FunctionPredictor(function or self.world.function))

    @functools.cached_property
    def opened(self) -> Explained:
        """The world's model, opened once for all tests."""
        return self.model()

    def row(self, at: int) -> Columns:
        """What one explanation is about: a row, or for a global method all of them."""
        return self.world.rows.take([at]) if self.is_local else self.world.rows

    def _explainers(self) -> dict[str, Any]:
        if self.method != "alibi":
            return {self.method: self.options}
        python = str(peer_python("alibi"))
        return {"alibi": {self.name: {**self.options, "python": python}}}


def explain(
    model: Explained, rows: Columns, watcher: Watcher = unwatched, **wishes: Any
) -> Explanation:
    # What a method plans depends on the time it has; on a busy machine that would differ.
    asked = wish(model, {"deadline_seconds": 600.0, **wishes}, "")
    return model.explain(asked.method, asked.options, rows, watcher)


def told(explanation: Explanation) -> dict[str, Any]:
    """All that an explanation says, except what it cost in seconds and calls."""
    said = explanation.to_json()
    quality = said["data"]["quality"]
    for name in ("seconds", "calls", "cached"):
        del quality[name]
    return said


def _settings(method: str) -> type[MethodSettings]:
    if method == "alibi":
        return AlibiSettings
    kinds: tuple[type[Any], ...] = get_args(ModelExplainers.model_fields[method].annotation)
    return next(kind for kind in kinds if issubclass(kind, MethodSettings))


def _cases() -> Iterator[Case]:
    for method in OPENING:
        for modality in _settings(method).MODALITIES:
            yield Case(method, modality, NEEDED.get(method, {}))


WAYS = (
    Case("shapley", "tabular", {"budget": 300}, "sampled"),
    Case("alibi", "tabular", {"type": "AnchorTabular"}, "AnchorTabular"),
    Case("alibi", "tabular", {"type": "ALE", "explain": {"features": [0, 1]}}, "ALE"),
    Case("alibi", "text", {"type": "AnchorText"}, "AnchorText"),
)
"""Further ways of a method, whose results come about differently."""

CASES = (*_cases(), *WAYS)
LOCAL = tuple(case for case in CASES if case.is_local)
GLOBAL = tuple(case for case in CASES if not case.is_local)


class Hanging:
    """A predictor that answers `calls` times and then no more, until it is let go."""

    def __init__(self, function: Function, calls: int = 0) -> None:
        self._function = function
        self._calls = calls
        self.hangs = threading.Event()
        self._go = threading.Event()

    def __call__(self, rows: Columns) -> Columns:
        self._calls -= 1
        if self._calls < 0:
            self.hangs.set()
            self._go.wait()
        return self._function(rows)

    def __enter__(self) -> Hanging:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._go.set()
