"""Attacks on pictures and on rows of tables: those of the Adversarial Robustness Toolbox.

HopSkipJump (Chen, Jordan, Wainwright, S&P 2020) sees decisions only; Square (Andriushchenko et al.,
ECCV 2020) and SimBA (Guo et al., ICML 2019) see probabilities. None knows the model.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from tests.detectors.attacking.attempts import Attempt, Enough, Oracle
from tests.detectors.attacking.spaces import Pictures, Points, space_of
from tests.detectors.attacking.targets import Probabilities, Target

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from art.attacks.evasion import HopSkipJump, SimBA, SquareAttack
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork


EPSILON = 0.1
"""How far Square moves an element of a picture, and half as far as SimBA does."""


RESTARTS = 100


def _hop_skip_jump(model: Any) -> Any:
    return HopSkipJump(model, max_iter=50, max_eval=1000, init_eval=20, verbose=False)


def _square(model: Any) -> Any:
    if _is_picture(model):
        return SquareAttack(model, eps=EPSILON, max_iter=2000, verbose=False)
    return SquareAttack(model, eps=0.3, max_iter=2000, p_init=0.3, verbose=False)


def _simba(model: Any) -> Any:
    step = 2 * EPSILON if _is_picture(model) else 0.3
    return SimBA(model, attack="px", epsilon=step, max_iter=2000, verbose=False)


def _is_picture(model: Any) -> bool:
    return bool(model.input_shape == Pictures.shape)


FAMILIES: Mapping[str, Callable[[Any], Any]] = {
    "hop-skip-jump": _hop_skip_jump,
    "square": _square,
    "simba": _simba,
}
"""By name: the attack of a classifier."""


Disguise = Callable[[Points, np.random.Generator], Points]
"""What is sent instead of what the attack would ask, each time drawn anew."""


def attempt(
    target: Target,
    family: str,
    victim: int,
    limit: int,
    ask: Probabilities | None = None,
    disguise: Disguise | None = None,
) -> Attempt:
    """One attack, begun again with other seeds until it may ask no more.

    So the attacker uses his budget, also after a first success. `ask` asks the model, in this
    process when not given. With a `disguise` the attack succeeds when the point that it would have
    asked is an adversarial example.
    """
    chosen = target.victims.take(slice(victim, victim + 1))
    space = space_of(target, chosen)
    start = space.points(chosen)
    truth = int(target.probabilities(space.rows(start)).argmax())

    def is_success(row: Columns, answer: int) -> bool:
        return answer != truth and space.is_small(start, space.points(row))

    oracle = Oracle(ask or target.probabilities, limit, is_success)
    random_ = np.random.default_rng(victim)

    def predict(points: Points) -> NDArray[np.float64]:
        points = np.asarray(points).reshape(len(points), *space.shape)
        if disguise is None:
            return oracle(space.rows(points))
        meant = space.rows(points)
        answers = target.probabilities(meant).argmax(axis=1).tolist()
        good = [is_success(meant.take([row]), answer) for row, answer in enumerate(answers)]
        return oracle(space.rows(disguise(points, random_)), good)

    model = BlackBoxClassifierNeuralNetwork(
        predict, space.shape, target.classes, channels_first=False, clip_values=(0.0, 1.0)
    )
    with suppress(Enough), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _restarted(FAMILIES[family](model), start)
    return Attempt(target.name, family, victim, oracle.queries, oracle.success)


def _restarted(attack: Any, start: Points) -> None:
    for seed in range(RESTARTS):
        np.random.seed(seed)
        random.seed(seed)
        attack.generate(x=start.astype(np.float32))
