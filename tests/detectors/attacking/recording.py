"""Attempts of every family, and benign traffic as it really comes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sidelight.tensors import Columns
from tests.detectors.attacking import families, wording
from tests.detectors.attacking.attempts import Attempt
from tests.detectors.attacking.targets import Probabilities, Target

LIMIT = 200
"""Queries of an attempt."""


def families_of(target: Target) -> tuple[str, ...]:
    """Names of the attacks on it."""
    return tuple(wording.FAMILIES if "text" in target.features else families.FAMILIES)


def attempt(
    target: Target, family: str, victim: int, limit: int = LIMIT, ask: Probabilities | None = None
) -> Attempt:
    """One attack of any family."""
    attack = wording.attempt if "text" in target.features else families.attempt
    return attack(target, family, victim, limit, ask)


def attempts(target: Target, family: str, count: int, first: int = 0) -> Sequence[Attempt]:
    """On so many victims, from number `first` on."""
    return [attempt(target, family, victim) for victim in range(first, first + count)]


def replayed(benign: Columns, count: int, seed: int) -> Columns:
    """Rows as servers get them: in random order, again and again, one in ten sent once more soon
    after, and now and then a batch of fifty scored a second time."""
    random = np.random.default_rng(seed)
    order: list[int] = []
    while len(order) < count:
        order += random.permutation(len(benign)).tolist()
    sent: list[int] = []
    for number, row in enumerate(order):
        sent.append(row)
        if random.random() < 0.1:
            sent.append(order[max(0, number - int(random.integers(0, 5)))])
        if random.random() < 0.0005:
            sent += sent[-50:]
    return benign.take(np.array(sent[:count]))
