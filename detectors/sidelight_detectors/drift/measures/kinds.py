"""The measures there are, by the names they have in settings and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sidelight_detectors.drift.measures.divergences import JensenShannon, Psi, TotalVariation
from sidelight_detectors.drift.measures.measured import Baseline, Gauge, Known
from sidelight_detectors.drift.measures.numbers import Deviation, Mean
from sidelight_detectors.drift.measures.shares import constant, missing, new
from sidelight_detectors.drift.measures.values import Values
from sidelight_detectors.drift.measures.wasserstein import Wasserstein
from sidelight_detectors.moments import Moments

FROM_COUNTS: Mapping[str, Callable[[Baseline], Gauge]] = {
    "psi": lambda baseline: Psi(),
    "jensen-shannon": lambda baseline: JensenShannon(),
    "total-variation": lambda baseline: TotalVariation(baseline.groups.pooled),
    "missing": missing,
    "new": new,
    "constant": constant,
}

FROM_SUMS: Mapping[str, Callable[[Baseline, Known], Gauge]] = {
    "mean": lambda baseline, known: Mean(known),
    "std": lambda baseline, known: Deviation(known),
    "wasserstein": Wasserstein,
}
"""Those that need the sums of `moments`."""


def gauges(
    names: Iterable[str], baseline: Baseline, moments: Moments | None
) -> Mapping[str, Gauge]:
    """The measures of these names; without `moments` those that need its sums are left out."""
    found: dict[str, Gauge] = {}
    known = None if moments is None else _known(baseline, moments)
    for name in names:
        if name in FROM_COUNTS:
            found[name] = FROM_COUNTS[name](baseline)
        elif known is not None:
            found[name] = FROM_SUMS[name](baseline, known)
    return found


def _known(baseline: Baseline, moments: Moments) -> Known:
    values = Values(moments.reference, baseline.numeric.numbers)
    return Known(moments, values, baseline.places, len(baseline.grid.columns))
