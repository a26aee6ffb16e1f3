"""P-values of joint drift when nothing has changed, far into the tail."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from sidelight_detectors.joint.fourier import SCALE
from sidelight_detectors.joint.quadratic import QuadraticForm


@pytest.mark.parametrize("degrees", [1, 2, 10])
@pytest.mark.parametrize("p", [0.1, 1e-2, 1e-5, 1e-8])
def test_the_tail_of_a_chi_squared_is_right_and_never_too_small(degrees: int, p: float) -> None:
    form = QuadraticForm(np.ones(degrees))
    assert p < form.tail(float(chi2.isf(p, degrees))) < 1.15 * p
    assert form.tail(form.quantile(p)) == pytest.approx(p)


def test_p_values_hold_to_1e_5_for_features_of_a_finite_population() -> None:
    """Windows of 500 and references of 5,000 rows of 40 kinds, both redrawn 400,000 times."""
    draw = np.random.default_rng(0)
    turns = np.cumsum(draw.standard_normal((40, 16)), axis=0) / 4
    features = np.rint(SCALE * np.concatenate([np.cos(turns), np.sin(turns)], axis=1))
    shares = draw.dirichlet(np.ones(40))
    covariance = np.cov(features.T, aweights=shares, ddof=0) / (SCALE**2 * 16)
    variances = np.linalg.eigvalsh(covariance)
    law = QuadraticForm(variances[variances > 1e-9].astype(np.float64))
    distances = np.concatenate([_distances(draw, features, shares, 100_000) for _ in range(4)]) / (
        1 / 500 + 1 / 5000
    )
    for p in (1e-2, 1e-3, 1e-4, 1e-5):
        above = int((distances >= law.quantile(p)).sum())
        expected = 400_000 * p
        assert above <= 1.25 * expected + 4 * np.sqrt(expected)


def _distances(
    draw: np.random.Generator,
    features: NDArray[np.float64],
    shares: NDArray[np.float64],
    trials: int,
) -> NDArray[np.float64]:
    window = draw.multinomial(500, shares, trials) / 500
    reference = draw.multinomial(5000, shares, trials) / 5000
    means = (window - reference) @ features / (SCALE * 4)
    return np.asarray((means**2).sum(axis=1))
