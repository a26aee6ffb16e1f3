"""From rows to groups, decisions and scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.bias.asked import Scale
from sidelight_detectors.bias.attributes import Attribute
from sidelight_detectors.bias.counting import Layout
from sidelight_detectors.bias.side_table import Codes
from sidelight_detectors.bias.trail import UNKNOWN, Decided, fixed
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
    attributes: Sequence[Attribute], outcome: Outcome, scale: Scale, rows: Indexed
) -> Decided:
    """Groups, decision and score of each row."""
    codes, answers = codes_of(attributes, rows), outcome.answers(rows)
    good = np.isin(answers, outcome.favorable).astype(np.uint8)
    decisions = np.where(np.isnan(answers), np.uint8(UNKNOWN), good)
    if outcome.is_regression:
        return Decided(codes, decisions, fixed(scale.place(answers)))
    return Decided(codes, decisions, _scores(outcome, rows))


def _scores(outcome: Outcome, rows: Indexed) -> NDArray[np.int64] | None:
    """Probability of the favourable classes together."""
    found = outcome.probabilities(rows)
    return None if found is None else fixed(found[:, list(outcome.favorable)].sum(axis=1))
