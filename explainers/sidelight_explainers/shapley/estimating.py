"""Shapley values of one game: plan the rows, ask the predictor, do the sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.errors import DataMismatch
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.game import Game
from sidelight_explainers.quality import Stopped
from sidelight_explainers.shapley.asked import Asked, Planned
from sidelight_explainers.shapley.control import controlled
from sidelight_explainers.shapley.enumeration import Enumeration
from sidelight_explainers.shapley.intervals import Spread
from sidelight_explainers.shapley.permutations import (
    Chains,
    crossed_chains,
    means,
    paired_chains,
)
from sidelight_explainers.shapley.proxies.aiding import Aid, Aide
from sidelight_explainers.shapley.proxies.combining import combined
from sidelight_explainers.shapley.rounds import Rounds, variances

Floats = NDArray[np.float64]
Facts = tuple[tuple[str, Any], ...]
Found = tuple[Attributions, Stopped]
"""What is known, and what stopped it were there no more."""

COMPARED = 25
"""Background rows with two units after the first question of those that may stop early."""
REPEATS = (2, 4, 8)
"""Rows planned for each row of the budget: what is planned twice is asked only once."""


def estimate(
    game: Game,
    positions: Floats,
    options: ShapleySettings,
    output: str | None,
    inquiry: Inquiry,
    aide: Aide | None = None,
) -> Iterator[Found]:
    """Interventional Shapley values of one output of a model that can only be asked; what is known
    after each question.

    Absent players take their values from one background at a time (Lundberg & Lee, NeurIPS 2017,
    with the marginal expectation). All coalitions are asked when they fit the budget, random
    orders of the players otherwise. `positions` (size, p) are a number for each player's values in
    each background row. `aide` is a proxy's help where orders are drawn.
    """
    if game.players == 1:
        yield _alone(game, output, inquiry), "accurate"
    elif game.size * ((1 << min(game.players, 62)) - 1) + 2 <= inquiry.left:
        yield _enumerated(game, output, inquiry), "accurate"
    else:
        yield from _sampled(game, positions, options, output, inquiry, aide)


def background_rows(players: int, budget: int) -> int:
    """How many background rows a budget pays for; `DataMismatch` when not even one."""
    affordable = (budget - 2) // max(players, 1)
    if affordable < 1:
        raise DataMismatch(
            f"a budget of {budget} rows is too small for {players} features; set at least"
            f" {players + 2}"
        )
    return affordable


def _alone(game: Game, output: str | None, inquiry: Inquiry) -> Attributions:
    """A lone player has all that there is."""
    nobody = np.zeros((game.size, 1), bool)
    plan = Planned.of(game, nobody, np.arange(game.size))
    asked = Asked.start(plan, game.size, output, inquiry)
    base = float(asked.outputs(game.size).mean())
    return _exact(asked, base, np.array([asked.prediction - base]))


def _enumerated(game: Game, output: str | None, inquiry: Inquiry) -> Attributions:
    everything = Enumeration(game.players, game.size)
    plan = Planned.of(game, *everything.coalitions())
    asked = Asked.start(plan, len(plan.masks), output, inquiry)
    outputs = asked.outputs(len(plan.masks))
    values = everything.contributions(outputs).mean(axis=0)
    return _exact(asked, float(everything.baselines(outputs).mean()), values)


def _exact(asked: Asked, base: float, values: Floats) -> Attributions:
    nothing_left = Spread(np.zeros_like(values), True)
    content = _content(asked, base, values, nothing_left, asked.plan.game.size)
    return replace(content, estimator="exact", interval="exact")


def _sampled(
    game: Game,
    positions: Floats,
    options: ShapleySettings,
    output: str | None,
    inquiry: Inquiry,
    aide: Aide | None,
) -> Iterator[Found]:
    seed = (options.seed,) if aide is None else (options.seed, aide.seed)
    chains, plan = _plan(game, inquiry.left - 1, seed)
    steps = game.players + 1
    rounds = Rounds(variances(chains.background), _telling(chains), options.tolerance)
    done = rounds.first()
    asked = Asked.start(plan, done * steps, output, inquiry)
    aid = None if aide is None else aide.settled(asked)
    for question in count(1):
        content, widest = _known(asked, chains.first(done), positions, aid, options.seed)
        if rounds.accurate(widest):
            yield content, "accurate"
            return
        yield content, "budget" if done == len(chains) else "deadline"
        upto = _affordable(rounds.upto(done, widest, question), done, steps, asked, inquiry)
        if upto == done:
            return
        try:
            asked = asked.further(upto * steps, inquiry)
        except OutOfTime:
            return
        done = upto


def _plan(game: Game, budget: int, seed: tuple[int, ...]) -> tuple[Chains, Planned]:
    """As many chains as the budget pays for; more where many of their rows are the same."""
    players, size = game.players, game.size
    if (budget - size) // (players - 1) < 2 * size:
        return _paid(game, budget, crossed_chains(players, size, np.random.default_rng(seed)))[:2]
    for repeats in REPEATS:
        rng = np.random.default_rng(seed)
        drawn = paired_chains(players, size, repeats * budget // (players + 1), rng)
        chains, planned, is_spent = _paid(game, budget, drawn)
        if is_spent:
            break
    return chains, planned


def _paid(game: Game, budget: int, chains: Chains) -> tuple[Chains, Planned, bool]:
    """The first of the chains that the budget pays for, and whether it leaves others unpaid."""
    planned = Planned.of(game, *chains.coalitions())
    new = np.bincount(planned.needed.first // (game.players + 1), minlength=len(chains))
    affordable = int(np.searchsorted(np.cumsum(new), budget, side="right"))
    whole = affordable - affordable % 2 if affordable > game.size else affordable
    return chains.first(whole), planned, affordable < len(chains)


def _telling(chains: Chains) -> int:
    """So many of the first chains stand on every background row that any does, and on enough of
    them twice to know how wide the intervals are."""
    first = np.unique(chains.background_of_units, return_index=True)[1]
    units = np.arange(len(chains.background_of_units))
    again = np.setdiff1d(units, first)[:COMPARED]
    unit = max(first.max(initial=0), again.max(initial=0))
    return int(np.flatnonzero(chains.unit <= unit).max(initial=0)) + 1


def _affordable(upto: int, done: int, steps: int, asked: Asked, inquiry: Inquiry) -> int:
    """That many chains or, where there is no time for them, half of the further ones and so on."""
    while upto > done and not inquiry.affords(asked.lacking(upto * steps)):
        upto = done + (upto - done) // 4 * 2
    return upto


def _known(
    asked: Asked, chains: Chains, positions: Floats, aid: Aid | str | None, seed: int
) -> tuple[Attributions, float]:
    """What those chains tell, and its widest half width."""
    outputs = asked.outputs(len(chains) * (chains.orders.shape[1] + 1))
    starts = outputs.reshape(len(chains), -1)[:, 0]
    base = float(means(starts, chains.background).mean())
    rng = np.random.default_rng((seed, len(chains)))
    values, found, facts = _estimated(asked, chains, outputs, positions, aid, rng)
    rows = len(np.unique(chains.background))
    content = _content(asked, base, values, found, rows)
    return replace(content, facts=facts), found.widest


def _estimated(
    asked: Asked,
    chains: Chains,
    outputs: Floats,
    positions: Floats,
    aid: Aid | str | None,
    rng: Generator,
) -> tuple[Floats, Spread, Facts]:
    proxied = aid.about(asked, chains) if isinstance(aid, Aid) else None
    if isinstance(aid, Aid) and proxied is not None:
        helped = combined(chains, outputs, proxied, positions, rng)
        return helped.values, helped.spread, (("proxy", aid.fact(helped)),)
    found = controlled(chains, outputs, positions, rng)
    unused = "some background rows have no chain" if isinstance(aid, Aid) else aid
    facts = () if unused is None else (("proxy", {"unused": unused}),)
    return found.values, found.spread, facts


def _content(asked: Asked, base: float, values: Floats, found: Spread, rows: int) -> Attributions:
    game, half = asked.plan.game, found.half
    bounds = (values - half, values + half) if np.isfinite(half).all() else (None, None)
    return Attributions(
        output=asked.output,
        base_value=base,
        prediction=asked.prediction,
        attributions=game.attributions(values, *bounds),
        estimator="permutation",
        additivity_gap=base + float(values.sum()) - asked.prediction,
        interval="reliable" if found.reliable else "unreliable",
        background_rows=rows,
        layout=game.layout(),
    )
