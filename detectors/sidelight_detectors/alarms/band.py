"""How well a finite reference knows the share of its own law in each cut: bounds for all at once.

Except with chance `eta` over the draw of the reference, every share of the law it was drawn from
lies between `lower` and `upper`, for all cuts of all columns; though cuts were chosen by looking at
the reference. Columns share `eta` equally (Bonferroni), so nothing is assumed of their dependence.

* A cut of a numeric column: the better of the Dvoretzky-Kiefer-Wolfowitz band (Massart's constant)
  and the exact (Clopper-Pearson) interval held for all order statistics at once, half of the
  column's eta each. The first is better in the middle, the second in the tails.
* A single value: the exact interval, at a level proportional to the share p itself. The shares of
  all values add up to at most one, so the levels do too, however many values there are.
* What was never seen: of the rows held out for grouping, those whose value the others do not have
  are a binomial sample of a share that is at least as large; exact interval.

Where units are blocks of rows (`sidelight_detectors.alarms.blocks`) shares are means over blocks in
[0, 1]; Chernoff's bound holds for these, and for cuts of the number line it is held on a grid of
quantiles with a bracket of one grid step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sidelight_detectors.alarms.cuts import Cuts, Sort
from sidelight_detectors.cells import MAX_CATEGORIES, Counts

Floats = NDArray[np.float64]

HALVINGS = 60


@dataclass(frozen=True, eq=False)
class Band:
    """`shares` of the reference in each cut, and bounds of its law's; each ``(C,)``, in [0, 1]."""

    shares: Floats
    lower: Floats
    upper: Floats


def band_of_rows(cuts: Cuts, reference: Counts, grouping: Counts, eta: float) -> Band:
    """From a reference of rows.

    Parameters
    ----------
    reference, grouping:
        Flat counts of the reference, and of those of its rows that were held out.
    eta:
        Chance that any bound is wrong, in (0, 1).
    """
    hits, trials = cuts.count(reference)
    level = eta / len(cuts.names)
    shares = hits / trials
    levels = np.where(cuts.sort == Sort.ORDERED, level / (4 * trials), level / 4)
    depends = cuts.sort == Sort.SINGLE
    upper = highest(shares, lambda p: special.bdtr(hits, trials, p), levels, depends)
    lower = lowest(shares, lambda p: special.bdtrc(hits - 1, trials, p), levels, depends)
    step = np.where(cuts.sort == Sort.ORDERED, np.sqrt(np.log(4 / level) / (2 * trials)), 1.0)
    upper, lower = np.minimum(upper, shares + step), np.maximum(lower, shares - step)
    unseen = cuts.sort == Sort.UNSEEN
    upper[unseen] = _unseen(cuts, reference, grouping, level / 2)[unseen]
    return Band(shares, np.where(unseen, 0.0, lower), upper)


def band_of_blocks(cuts: Cuts, shares: Floats, blocks: Floats, eta: float) -> Band:
    """From the means over `blocks` (C,) blocks of a reference."""
    level = eta / len(cuts.names)
    steps = np.ceil(np.sqrt(blocks))
    ordered, single = cuts.sort == Sort.ORDERED, cuts.sort == Sort.SINGLE
    levels = level / np.where(ordered, 2 * steps, 4)
    upper = highest(shares, lambda p: np.exp(-blocks * _divergence(shares, p)), levels, single)
    lower = lowest(shares, lambda p: np.exp(-blocks * _divergence(shares, p)), levels, single)
    bracket = np.where(ordered, 1 / steps, 0.0)
    upper[cuts.sort == Sort.UNSEEN] = 1.0
    return Band(shares, np.maximum(lower - bracket, 0.0), np.minimum(upper + bracket, 1.0))


def highest(
    shares: Floats, tail: Callable[[Floats], Floats], levels: Floats, depends: NDArray[np.bool_]
) -> Floats:
    """The largest p at which so few or fewer (`tail`) are not rarer than the level.

    The level is ``levels``, times p where it `depends` on it.
    """
    inside, outside = shares.copy(), np.ones_like(shares)
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        likely = tail(middle) > np.where(depends, levels * middle, levels)
        inside, outside = np.where(likely, middle, inside), np.where(likely, outside, middle)
    return outside


def lowest(
    shares: Floats, tail: Callable[[Floats], Floats], levels: Floats, depends: NDArray[np.bool_]
) -> Floats:
    """The smallest p at which so many or more (`tail`) are not rarer than the level."""
    inside, outside = shares.copy(), np.zeros_like(shares)
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        likely = tail(middle) > np.where(depends, levels * middle, levels)
        inside, outside = np.where(likely, middle, inside), np.where(likely, outside, middle)
    return outside


def _divergence(shares: Floats, p: Floats) -> Floats:
    """Kullback-Leibler's, of Bernoulli(shares) from Bernoulli(p), in nats."""
    away = special.rel_entr(shares, p) + special.rel_entr(1 - shares, 1 - p)
    return np.asarray(away, np.float64)


def _unseen(cuts: Cuts, reference: Counts, grouping: Counts, level: float) -> Floats:
    """Upper bounds of the share of values the reference does not have; 1 where there is none."""
    hits, trials = cuts.count(reference)
    fresh = np.where(reference == grouping, grouping, 0)
    before = np.concatenate([[0], np.cumsum(fresh)])
    ends = cuts.starts[cuts.column + 1]
    sizes = ends - cuts.starts[cuts.column]
    found = (before[ends] - before[cuts.starts[cuts.column]]) - fresh[ends - 1]
    aside = np.concatenate([[0], np.cumsum(grouping)])
    held = np.diff(aside[cuts.starts])[cuts.column]
    # Rows beyond known categories: these were declared, or there were too many to keep.
    declared, crowded = hits > 0, sizes >= MAX_CATEGORIES + 2
    counts, rows = np.where(declared, hits, found), np.where(declared, trials, held)
    never = np.zeros(len(cuts), bool)
    levels = np.full(len(cuts), level)
    shares = counts / np.maximum(rows, 1)
    bound = highest(shares, lambda p: special.bdtr(counts, np.maximum(rows, 1), p), levels, never)
    return np.where((declared & crowded) | (rows == 0), 1.0, bound)
