"""Fitting `bias` on a reference, and reading what was fitted back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sidelight.config.detecting.bias import BiasSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight_detectors.bias.asked import Scale, check_metrics
from sidelight_detectors.bias.attributes import learn_attribute, unpack_attribute
from sidelight_detectors.bias.detector import BiasDetector
from sidelight_detectors.bias.groupings import learn_groups, unpack_groups
from sidelight_detectors.bias.intervals import Floats
from sidelight_detectors.bias.reading import codes_of, layout_of
from sidelight_detectors.contract import Packed
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outcomes import Outcome, learn_outcome, unpack_outcome

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

_BEYOND = 0.5
"""Share of the reference's range that a number may lie beyond it and still be summed as it is."""


def fit_bias(reference: Reference) -> BiasDetector | None:
    """Its groups and what they are compared by, from the reference.

    Raises `ConfigError` when the outcome is not told, or an attribute is nowhere to be found.
    """
    settings, rows = reference.model.detectors.bias, reference.rows
    if settings is None:
        return None
    outcome = _outcome(reference, settings)
    check_metrics(layout_of(outcome), settings)
    attributes = tuple(
        learn_attribute(name, one, reference.table) for name, one in settings.protected.items()
    )
    codes = codes_of(attributes, rows)
    groups = learn_groups(attributes, settings.intersections, codes, settings.min_support)
    labels = _labels(outcome, rows)
    scale = _scale(outcome, rows, labels)
    awaits = reference.model.detectors.labels is not None
    none = np.zeros(0, np.int64)
    draft = BiasDetector(attributes, groups, outcome, settings, scale, awaits, none, none)
    return _with_reference(draft, rows, labels)


def unpack_bias(packed: Packed, grid: Grid, features: int) -> BiasDetector:
    """`KeyError`, `ValueError` or `TypeError` when it is not what `pack` gave."""
    header, arrays = packed.header, packed.arrays
    attributes = tuple(
        unpack_attribute(saved, arrays.get(f"{place}/keys"), arrays.get(f"{place}/codes"))
        for place, saved in enumerate(header["attributes"])
    )
    found = BiasDetector(
        attributes,
        unpack_groups(header["groupings"], attributes),
        unpack_outcome(header["outcome"]),
        BiasSettings.model_validate(header["settings"]),
        Scale(**header["scale"]),
        bool(header["awaits_labels"]),
        arrays["reference"],
        arrays["reference_labels"],
    )
    if (len(found.reference), len(found.reference_labels)) != (found.size, found.settled_size):
        raise ValueError("sums of the reference do not fit its groups")
    return found


def _outcome(reference: Reference, settings: BiasSettings) -> Outcome:
    model = reference.model
    if model.outcome is None:
        raise ConfigError("detectors.bias: 'outcome' of the model is not set; say what it decides")
    outcome = learn_outcome(model.outcome, reference.table)
    named = dict.fromkeys(outcome.outputs, "outcome")
    named |= dict.fromkeys(settings.also_favorable, "detectors.bias.also_favorable")
    for name, where in named.items():
        if name not in model.outputs:
            told = ", ".join(model.outputs) or "none"
            raise ConfigError(f"{where}: {name!r} is no output; 'outputs' names {told}")
    if settings.also_favorable and outcome.is_regression:
        raise ConfigError("detectors.bias.also_favorable: a predicted number is no decision")
    return outcome


def _labels(outcome: Outcome, rows: Indexed) -> Floats:
    """The reference's labels as numbers, NaN where there is none."""
    column = rows.sent(outcome.settings.label) if outcome.settings.label else None
    if column is None:
        return np.full(len(rows), np.nan)
    return np.asarray(outcome.numbers(column), np.float64)


def _scale(outcome: Outcome, rows: Indexed, labels: Floats) -> Scale:
    """The range of predictions and labels, wider by half of it on both sides."""
    if not outcome.is_regression:
        return Scale()
    answers = outcome.answers(rows)
    known = np.concatenate([answers, labels])
    known = known[np.isfinite(known)]
    answered = answers[np.isfinite(answers)]
    if len(answered) < 2 or not np.ptp(answered):
        raise NotEnoughData("detectors.bias: the reference has no two different predictions")
    beyond = _BEYOND * float(np.ptp(known))
    width = float(np.ptp(known)) + 2 * beyond
    return Scale(float(known.min()) - beyond, width, float(answered.std()))


def _with_reference(draft: BiasDetector, rows: Indexed, labels: Floats) -> BiasDetector:
    decided, known = draft.decided(rows), ~np.isnan(labels)
    trail = decided.packed()
    return replace(
        draft,
        reference=draft.layout.decided(draft.groups, decided),
        reference_labels=draft.awaited(trail) + draft.labelled(trail[known], labels[known]),
    )
