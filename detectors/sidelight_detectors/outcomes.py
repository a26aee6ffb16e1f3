"""What a model decides, as numbers: the classes of its outcome, its answers and what came true.

A class is known by its text (`texts`), so that a label from a CSV file and an answer over gRPC are
the same one; its number is its place among all classes in the order of their texts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_detectors.cells import CategoricalCells, elements_of
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outliers.design import numbers_with_nan
from sidelight_detectors.texts import text_of, texts_of

MAX_CLASSES = 250
"""Classes of an outcome; their numbers fit into a byte, with some left for what is no class."""

_ANY = "not "
"""Begins the name of the class that is all but the positive one, where the other is not known."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The decision of a model.

    Parameters
    ----------
    classes:
        Their texts, sorted; none in regression.
    """

    settings: OutcomeSettings
    classes: tuple[str, ...]

    @property
    def is_regression(self) -> bool:
        return self.settings.kind == "regression"

    @cached_property
    def favorable(self) -> tuple[int, ...]:
        """Numbers of the classes that are good for whom is decided about."""
        wanted = {text_of(value) for value in self.settings.favorable or (self.settings.positive,)}
        return tuple(number for number, text in enumerate(self.classes) if text in wanted)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The model's outputs that it is read from."""
        named = [self.settings.prediction] if self.settings.prediction else []
        return tuple(dict.fromkeys([*named, *self._probabilities.values()]))

    def answers(self, rows: Indexed) -> NDArray[np.float64]:
        """What was answered, ``(n,)``: the number of a class, or a number; NaN where unknown.

        Raises `DataMismatch` when a number is expected and something else was sent.
        """
        if self.settings.prediction is None:
            return self._by_probability(rows)
        column = rows.sent(self.settings.prediction)
        return np.full(len(rows), np.nan) if column is None else self.numbers(column)

    def probabilities(self, rows: Indexed) -> NDArray[np.float64] | None:
        """Probability of each class, ``(n, classes)``, NaN where unknown; None if none is told.

        One class that no output speaks of has what the others leave.
        """
        if not self._probabilities:
            return None
        found = np.full((len(rows), len(self.classes)), np.nan)
        for text, name in self._probabilities.items():
            column = rows.sent(name)
            if column is not None:
                found[:, self._places[text]] = numbers_with_nan(column)
        untold = sorted({*range(len(self.classes))} - {*self._told})
        if len(untold) == 1:
            found[:, untold[0]] = 1 - found[:, self._told].sum(axis=1)
        return found

    def numbers(self, column: Column) -> NDArray[np.float64]:
        """The number of each value, answered or true, ``(n,)``; NaN of nulls and unknown ones."""
        if self.is_regression:
            return numbers_with_nan(column)
        cells = CategoricalCells(column.name, self.classes)
        found = cells.index(column).astype(np.float64)
        found[found == cells.null] = np.nan
        found[found == cells.other] = np.nan if self._rest is None else self._rest
        return found

    def number_of_label(self, value: Any) -> float:
        """The number of one label; `DataMismatch` for another class, or none."""
        if self.is_regression:
            return _number(value)
        text = text_of(value)
        found = self._places.get(text, self._rest)
        if found is None:
            told = ", ".join(self.classes[:12])
            raise DataMismatch(f"label {text[:64]!r} is no class of the outcome; there are {told}")
        return float(found)

    def pack(self) -> dict[str, Any]:
        """For `unpack_outcome`."""
        return {"settings": self.settings.model_dump(mode="json"), "classes": list(self.classes)}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: number for number, text in enumerate(self.classes)}

    @cached_property
    def _rest(self) -> int | None:
        """The class of all that is not the positive one, where that is a class."""
        rest = f"{_ANY}{text_of(self.settings.positive)}"
        return self._places.get(rest) if len(self.classes) == 2 else None

    @cached_property
    def _probabilities(self) -> Mapping[str, str]:
        """The outputs with probabilities, by the text of their class."""
        asked = self.settings.probability
        if asked is None or isinstance(asked, str):
            return {text_of(self.settings.positive): asked} if asked else {}
        return {text_of(name): output for name, output in asked.items()}

    @cached_property
    def _told(self) -> list[int]:
        """The classes that an output has the probability of."""
        return [self._places[text] for text in self._probabilities]

    def _by_probability(self, rows: Indexed) -> NDArray[np.float64]:
        found = self.probabilities(rows)
        if found is None or not len(rows):
            return np.full(len(rows), np.nan)
        known = np.asarray(~np.isnan(found[:, self._told]).any(axis=1), bool)
        if isinstance(self.settings.probability, str):
            positive = self._places[text_of(self.settings.positive)]
            is_positive = found[:, positive] >= self.settings.threshold
            chosen = np.where(is_positive, positive, 1 - positive)
        else:
            chosen = np.where(np.isnan(found), -1, found).argmax(axis=1)
        return np.where(known, chosen, np.nan)


@runtime_checkable
class Deciding(Protocol):
    """A detector that was fitted to a model's outcome."""

    @property
    def outcome(self) -> Outcome: ...


def learn_outcome(settings: OutcomeSettings, table: Columns) -> Outcome:
    """The outcome's classes: those that are named, and those of the reference.

    Raises
    ------
    ConfigError
        Neither a prediction nor a probability is named, or the classes do not go together.
    """
    if settings.prediction is None and (settings.probability is None or _is_regression(settings)):
        what = "'prediction'" if _is_regression(settings) else "'prediction' or 'probability'"
        raise ConfigError(f"outcome: {what} is not set; name the output with the decision")
    if _is_regression(settings):
        return Outcome(settings, ())
    classes = tuple(sorted(_classes(settings, table)))
    _check(settings, classes)
    _check_labels(settings, table)
    return Outcome(settings, classes)


def unpack_outcome(saved: Mapping[str, Any]) -> Outcome:
    """`KeyError`, `ValueError` or `TypeError` when it is not what `pack` gave."""
    settings = OutcomeSettings.model_validate(saved["settings"])
    return Outcome(settings, tuple(map(str, saved["classes"])))


def _is_regression(settings: OutcomeSettings) -> bool:
    return settings.kind == "regression"


def _classes(settings: OutcomeSettings, table: Columns) -> set[str]:
    seen = set(_seen(settings, table))
    if isinstance(settings.probability, Mapping):
        return seen | {text_of(name) for name in settings.probability}
    if settings.probability is None:
        return seen
    positive = text_of(settings.positive)
    others = seen - {positive}
    # Of more than two classes one probability tells one from the rest, and a decision no more.
    if settings.prediction is None and len(others) != 1:
        return {positive, f"{_ANY}{positive}"}
    return seen | {positive}


def _seen(settings: OutcomeSettings, table: Columns) -> Iterator[str]:
    for name in (settings.prediction, settings.label):
        if name is not None and name in table:
            yield from _texts(table[name])


def _texts(column: Column) -> list[str]:
    values, valid = elements_of(column)
    known = np.unique(values if valid is None else values[valid])
    return list(texts_of(known[known == known]))  # not-a-number is no class


def _check(settings: OutcomeSettings, classes: tuple[str, ...]) -> None:
    told = ", ".join(classes[:12]) or "none"
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ConfigError(
            f"outcome: {len(classes)} classes ({told}); 2 to {MAX_CLASSES} are needed. Name the "
            "reference's column with the decision, or set kind: regression"
        )
    wanted = [("favorable", value) for value in settings.favorable]
    if isinstance(settings.probability, str) or not wanted:
        wanted.append(("positive", settings.positive))
    for name, value in wanted:
        if text_of(value) not in classes:
            raise ConfigError(f"outcome.{name}: {text_of(value)!r} is no class; there are {told}")


def _check_labels(settings: OutcomeSettings, table: Columns) -> None:
    """Labels in other words than decisions (``>50K`` for 1) would make every decision wrong."""
    if settings.label is None or settings.label not in table:
        return
    true = _texts(table[settings.label])
    if settings.prediction is not None and settings.prediction in table:
        what, told = f"{settings.prediction!r} has", _texts(table[settings.prediction])
    elif isinstance(settings.probability, str) and len(true) > 1:
        what, told = "the positive class is", [text_of(settings.positive)]
    else:
        return
    if true and told and set(true).isdisjoint(told):
        raise ConfigError(
            f"outcome.label: {settings.label!r} has {', '.join(true[:12])} and {what} "
            f"{', '.join(told[:12])}: no class in common; write both in the same words"
        )


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataMismatch(f"label {str(value)[:64]!r} is no number, and the outcome is one")
    return number
