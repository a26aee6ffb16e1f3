"""Owen values of one game: words share what their sentence does, sentences what the text does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import stdtrit

from sidelight.tensors import Columns
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.games.game import Game
from sidelight_explainers.outputs import choose_output
from sidelight_explainers.quality import Stopped
from sidelight_explainers.shapley.hierarchy import (
    Groups,
    HierarchyOrders,
    WholeHierarchy,
    random_orders,
)
from sidelight_explainers.sweeping import Answers, Forms, sweep

Floats = NDArray[np.float64]

ENOUGH = 8
"""Pairs of orders from which an interval is called reliable."""
REPEATS = 3
"""Rows planned for each row of the budget: what is planned twice is asked only once."""


def owen_values(
    game: Game, groups: Groups, output: str | None, seed: int, tolerance: float, inquiry: Inquiry
) -> Iterator[tuple[Attributions, Stopped]]:
    """What is known after each question, and what stopped it were it the last.

    Exact when the budget pays for every coalition, else from random uninterrupted orders and their
    reverses, until the widest 95 % interval (t, over pairs of orders) is within `tolerance` on
    both sides; with 0 all that the budget pays for is asked.
    """
    whole = WholeHierarchy(groups)
    if whole.rows * game.size < inquiry.left:
        yield _exact(game, whole, output, inquiry), "accurate"
    else:
        yield from _sampled(game, groups, output, seed, tolerance, inquiry)


def _exact(game: Game, whole: WholeHierarchy, output: str | None, inquiry: Inquiry) -> Attributions:
    masks = whole.coalitions()
    background = np.tile(np.arange(game.size), len(masks))
    rows = game.rows(np.repeat(masks, game.size, axis=0), background)
    found = choose_output(inquiry.ask(Columns.concatenate([game.explained(), rows])), output)
    worth = found.values[1:].reshape(len(masks), game.size).mean(axis=1)
    shares = whole.contributions(worth)
    content = _content(game, found.name, float(worth[0]), float(found.values[0]), shares)
    parts = game.attributions(shares, shares, shares)
    return replace(content, attributions=parts, estimator="exact", interval="exact")


def _sampled(
    game: Game, groups: Groups, output: str | None, seed: int, tolerance: float, inquiry: Inquiry
) -> Iterator[tuple[Attributions, Stopped]]:
    each = 2 * (game.players + 1)
    orders, new = _plan(game, groups, inquiry.left, np.random.default_rng(seed))
    pairs, background = len(new), _turns(len(new), game)

    def rows(part: slice) -> Columns:
        return game.rows(orders.of(part).coalitions(), np.repeat(background[part], each))

    forms = Forms(game.explained(), each, new, rows)
    outputs = np.empty((0, each))
    for told in sweep(forms, output, inquiry):
        outputs = np.concatenate([outputs, told.values])
        gains = orders.of(slice(len(outputs))).contributions(outputs.reshape(-1))
        half = _half_widths(gains)
        accurate = len(gains) >= ENOUGH and float(half.max()) <= tolerance
        stopped: Stopped = "budget" if len(gains) == pairs else "deadline"
        content = _estimated(game, told, float(outputs[:, 0].mean()), gains, half)
        yield content, "accurate" if accurate else stopped
        if accurate:
            return


def _plan(
    game: Game, groups: Groups, left: int, rng: Generator
) -> tuple[HierarchyOrders, NDArray[np.intp]]:
    """As many pairs of orders as the rows pay for, one at least, and the new rows of each; as many
    pairs against each background, where there are enough."""
    each = 2 * (game.players + 1)
    orders = random_orders(groups, REPEATS * left // each + 1, rng)
    masks = orders.coalitions()
    pairs = len(masks) // each
    keys = game.keys(masks, np.repeat(_turns(pairs, game), each))
    first = np.unique(keys, axis=0, return_index=True)[1]
    new = np.bincount(first // each, minlength=pairs)
    paid = max(int(np.searchsorted(np.cumsum(new), left - 1, side="right")), 1)
    whole = paid - paid % game.size if paid > game.size else paid
    return orders.of(slice(whole)), new[:whole]


def _turns(pairs: int, game: Game) -> NDArray[np.intp]:
    """The background of each pair: one after the other."""
    return np.arange(pairs) % game.size


def _estimated(game: Game, told: Answers, base: float, gains: Floats, half: Floats) -> Attributions:
    shares, known = gains.mean(axis=0), len(gains) > 1
    content = _content(game, told.name, base, told.prediction, shares)
    return replace(
        content,
        attributions=game.attributions(
            shares, shares - half if known else None, shares + half if known else None
        ),
        interval="reliable" if len(gains) >= ENOUGH else "unreliable",
        background_rows=min(len(gains), game.size),
    )


def _content(game: Game, name: str, base: float, prediction: float, shares: Floats) -> Attributions:
    return Attributions(
        output=name,
        base_value=base,
        prediction=prediction,
        attributions=game.attributions(shares, None, None),
        estimator="permutation",
        additivity_gap=base + float(shares.sum()) - prediction,
        background_rows=game.size,
        layout=game.layout(),
        facts=(("hierarchy", "sentences"),),
    )


def _half_widths(gains: Floats) -> Floats:
    """Of 95 % intervals (p,) for the mean over pairs (m, p); infinite of a single pair."""
    pairs = len(gains)
    if pairs < 2:
        return np.full(gains.shape[1], np.inf)
    return np.asarray(stdtrit(pairs - 1, 0.975) * gains.std(axis=0, ddof=1) / math.sqrt(pairs))
