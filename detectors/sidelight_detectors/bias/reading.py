"""From rows to groups, decisions and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.outcome import Scalar
from sidelight_detectors.bias.asked import Scale
from sidelight_detectors.bias.attributes import Attribute
from sidelight_detectors.bias.counting import Layout
from sidelight_detectors.bias.side_table import Codes
from sidelight_detectors.bias.trail import UNKNOWN, Decided, fixed
from sidelight_detectors.cells import categorical_cells
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.outcomes import Outcome


def layout_of(outcome: Outcome) -> Layout:
    """What this outcome tells."""
    scored = outcome.is_regression or outcome.settings.probability is not None
    return Layout(outcome.is_regression, scored)


def codes_of(attributes: Sequence[Attribute], rows: Indexed) -> Codes:
    """The number of each row's group by each attribute, ``(n, attributes)``."""
    return np.column_stack([attribute.codes(rows) for attribute in attributes])


def decided_of(
    attributes: Sequence[Attribute],
    outcome: Outcome,
    scale: Scale,
    rows: Indexed,
    also: Mapping[str, Sequence[Scalar]] = MappingProxyType({}),
) -> Decided:
    """Groups, decision and score of each row; `also` are further outputs' favourable values."""
    codes, answers = codes_of(attributes, rows), outcome.answers(rows)
    known, good = ~np.isnan(answers), np.isin(answers, outcome.favorable)
    for name, values in also.items():
        told, is_good = _among(rows, name, values)
        known, good = known & told, good & is_good
    decisions = np.where(known, good, UNKNOWN).astype(np.uint8)
    if outcome.is_regression:
        return Decided(codes, decisions, fixed(scale.place(answers)))
    return Decided(codes, decisions, _scores(outcome, rows))


def _among(
    rows: Indexed, name: str, values: Sequence[Scalar]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of which rows the output is known, and of which it is one of these values."""
    column = rows.sent(name)
    if column is None:
        return np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    cells = categorical_cells(column, tuple(values))
    found = cells.index(column)
    return found != cells.null, found < cells.other


def _scores(outcome: Outcome, rows: Indexed) -> NDArray[np.int64] | None:
    """Probability of the favourable classes together."""
    found = outcome.probabilities(rows)
    return None if found is None else fixed(found[:, list(outcome.favorable)].sum(axis=1))
