"""The demo's story as data: what the model learned, what it was judged on, what then happens.

- *training*: 20,000 random people of 2015.
- *reference*: 20,000 other random people of 2015, with the model's answers on them.
- *quiet*: the other 28,785 people of 2015, in seeded random order. Nothing changes.
- *opened*: the service is opened to institutions and colleges. Real people of 2018, among whom the
  share that lives in group quarters (RELP 16 and 17) rises from 7 % to 25 %.

The survey's files have no time order, and people of one household stand together in them; all rows
are therefore shuffled, with the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.demo.data import Survey, survey_2015, survey_2018

TRAINING_ROWS = 20_000
REFERENCE_ROWS = 20_000
OPENED_ROWS = 5_600
OPENED_GROUP_QUARTERS = 0.25


@dataclass(frozen=True)
class Scenario:
    """Four disjoint samples of real people, in the order in which they appear."""

    training: Survey
    reference: Survey
    quiet: Survey
    opened: Survey


def build(folder: Path, seed: int) -> Scenario:
    """The scenario of that seed, from the survey's files in `folder`."""
    rng = np.random.default_rng(seed)
    before = survey_2015(folder)
    order = rng.permutation(len(before.people))
    cuts = [TRAINING_ROWS, TRAINING_ROWS + REFERENCE_ROWS]
    training, reference, quiet = (before.take(rows) for rows in np.split(order, cuts))
    after = survey_2018(folder)
    return Scenario(training, reference, quiet, after.take(_opened(after, rng)))


def _opened(after: Survey, rng: Generator) -> NDArray[np.intp]:
    institutional = round(OPENED_ROWS * OPENED_GROUP_QUARTERS)
    inside = rng.choice(np.flatnonzero(after.in_group_quarters), institutional, replace=False)
    outside = np.flatnonzero(~after.in_group_quarters)
    others = rng.choice(outside, OPENED_ROWS - institutional, replace=False)
    return rng.permutation(np.concatenate([inside, others]))
