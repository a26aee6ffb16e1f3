"""What is usual in places of a table, and that evidence errs as seldom as it says."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sidelight_detectors.adversarial.contract import PLACES
from sidelight_detectors.adversarial.density import Density, fit_density

ROWS = 5000


def drawn(shares: NDArray[np.float64], rows: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).multinomial(rows, shares).astype(np.int64)


def zipf(places: int = PLACES) -> NDArray[np.float64]:
    """A few crowded places and many nearly empty ones."""
    found = 1 / np.arange(1, places + 1)
    return np.asarray(found / found.sum())


@pytest.fixture(scope="module")
def density() -> Density:
    return fit_density(drawn(zipf(), ROWS, 0)[None], ROWS)


def test_weights_are_of_places_that_queries_open(density: Density) -> None:
    mean, truth = float(density.weights[0] @ density.shares), float(np.sum(zipf() ** 2))

    assert density.weights.sum() == pytest.approx(1)
    assert truth < mean < 1.5 * truth  # Some weight lies on every share.


def test_what_is_expected_follows_the_count(density: Density) -> None:
    crowded = density.expected(0, 400, 1000)

    assert crowded == pytest.approx(1000 * 400 / ROWS, rel=0.15)
    assert density.expected(0, 0, 1000) < 0.3


def test_evidence_of_one_known_share_is_the_plain_likelihood_ratio() -> None:
    weights = np.zeros((1, len(Density(100, np.zeros((1, 1))).shares)))
    weights[0, 10] = 1.0
    known = Density(100, np.maximum(weights, 1e-300))
    p = known.shares[10]
    none, hits, trials = (np.array([n]) for n in (0, 12, 40))
    (found,) = known.evidence(none, none, hits, trials, np.array([1.0]))
    attacks = (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 0.9)
    own = np.mean([stats.binom.pmf(12, 40, share) for share in attacks])

    assert found == pytest.approx(np.log(own / stats.binom.pmf(12, 40, p)), abs=1e-9)


def test_no_evidence_where_traffic_is_as_crowded_as_allowed(density: Density) -> None:
    tables, counts = np.zeros(1, np.int64), np.array([500])
    trials = np.array([10_000])
    (found,) = density.evidence(tables, counts, np.array([3500]), trials, np.array([4.0]))

    assert found < 0


def test_what_is_needed_is_what_evidence_wants(density: Density) -> None:
    needed = density.needed(2000, 12.0, 4.0)[0]
    for level in (0, 5, 20):
        count = np.array([density.levels[level]])
        hits = np.array([needed[level] - 2, needed[level] - 1])
        found = density.evidence(
            np.zeros(2, np.int64), np.repeat(count, 2), hits, np.full(2, 2000), np.full(2, 4.0)
        )
        assert found[0] < 12.0 <= found[1]
    assert (np.diff(needed) >= 0).all()


def test_a_place_that_a_query_opens_errs_as_seldom_as_promised() -> None:
    """Queries open places; each is followed for 400 more: E reaches 1/a in a share of a at most."""
    rng, shares, level = np.random.default_rng(1), zipf(), 0.02
    wrong = opened = 0
    for seed in range(10):
        counts = drawn(shares, ROWS, seed)
        density = fit_density(counts[None], ROWS)
        places = rng.choice(PLACES, 200, p=shares)
        steps = np.arange(1, 401)
        for place in places:
            hits = np.cumsum(rng.random(400) < shares[place])
            news = np.flatnonzero(np.diff(hits, prepend=0))
            if len(news):
                table, known = np.zeros(len(news), np.int64), np.full(len(news), counts[place])
                of = (hits[news], steps[news], np.ones(len(news)))
                found = density.evidence(table, known, *of)
                wrong += bool((found >= -np.log(level)).any())
        opened += len(places)

    assert stats.binomtest(wrong, opened, level, alternative="greater").pvalue > 0.01
