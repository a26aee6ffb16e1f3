"""What a reference cannot know of its own law, for all cuts at once; exact where it can be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from scipy.stats import norm

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.alarms.band import Band, band_of_rows, highest, lowest
from sidelight_detectors.alarms.cuts import CATEGORIES, LEVELS, Cuts, Sort, cuts_of
from sidelight_detectors.cells import NumericCells
from sidelight_detectors.fitted import Fitted, fit


def fitted(**columns: np.ndarray) -> Fitted:
    return fit(Columns.of(**columns), ModelSettings.model_validate({"detectors": {"drift": {}}}))


def known(reference: Fitted, eta: float) -> tuple[Cuts, Band]:
    cuts = cuts_of(reference.grid, reference.reference)
    return cuts, band_of_rows(cuts, reference.reference, reference.grouping, eta)


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    hits, trials, level = np.array([0, 3, 57, 100]), 100, np.full(4, 0.01)
    never, shares = np.zeros(4, bool), hits / trials
    high = highest(shares, lambda p: special.bdtr(hits, trials, p), level, never)
    low = lowest(shares, lambda p: special.bdtrc(hits - 1, trials, p), level, never)

    assert high[:3] == pytest.approx(special.betaincinv(hits[:3] + 1, trials - hits[:3], 0.99))
    assert low[1:] == pytest.approx(special.betaincinv(hits[1:], trials - hits[1:] + 1, 0.01))
    assert (low[0], high[3]) == (0.0, 1.0)


def test_cuts_are_few_and_lie_where_their_shares_say() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"c{number}" for number in rng.geometric(0.02, 3000)], object)
    reference = fitted(x=rng.normal(size=3000), few=rng.integers(0, 4, 3000).astype(float), c=words)
    cuts, band = known(reference, 0.05)
    ordered = cuts.sort == Sort.ORDERED

    assert np.bincount(cuts.column).tolist() == [LEVELS + 2, 6, CATEGORIES + 2]
    assert (np.diff(band.shares[ordered & (cuts.column == 0)]) >= 0).all()
    assert band.shares[cuts.sort == Sort.UNSEEN] == [0.0]


def test_the_band_is_the_better_of_its_two_and_tight_in_the_tails() -> None:
    rng = np.random.default_rng(0)
    _, band = known(fitted(x=rng.normal(size=20_000)), 0.025)
    uniform = np.sqrt(np.log(4 / 0.025) / 40_000)
    width = band.upper - band.shares

    assert width.max() <= uniform + 1e-12
    assert width[band.shares < 0.02].max() < uniform / 2


@pytest.mark.parametrize("rows", [60, 400])
def test_the_law_lies_within_the_band_as_often_as_is_promised(rows: int) -> None:
    eta, missed = 0.2, 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        kinds = rng.geometric(0.15, rows)
        words = np.array([f"c{kind}" for kind in kinds], object)
        reference = fitted(x=rng.normal(size=rows), c=words)
        cuts, band = known(reference, eta)
        truth = [_share(reference, cuts, number) for number in range(len(cuts))]
        missed += not ((band.lower <= truth) & (truth <= band.upper)).all()
    assert missed / 150 <= eta


def _share(reference: Fitted, cuts: Cuts, number: int) -> float:
    """The true share of a cut: x is normal, c geometric."""
    cells = reference.grid.columns[cuts.column[number]]
    end = int(cuts.end[number] - cuts.starts[cuts.column[number]])
    if isinstance(cells, NumericCells):
        point = np.inf if end > 2 * len(cells.points) else cells.points[max(end // 2 - 1, 0)]
        return float(norm.cdf(point))
    kinds = np.array([int(name[1:]) for name in cells.categories])
    shares = 0.15 * 0.85 ** (kinds - 1.0)
    if end <= len(kinds):
        return float(shares[end - 1])
    return float(1 - shares.sum()) if end == len(kinds) + 1 else 0.0
