"""The part `adversarial`: fingerprints of rows for the panes, and the fold that compares them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.adversarial import AdversarialSettings
from sidelight_detectors.adversarial.contract import PLACES
from sidelight_detectors.adversarial.density import fit_density
from sidelight_detectors.adversarial.fold import Attacks
from sidelight_detectors.adversarial.modalities import (
    Fingerprints,
    fit_fingerprints,
    unpack_fingerprints,
)
from sidelight_detectors.adversarial.search import Normal, Rules
from sidelight_detectors.adversarial.trail import trail_of
from sidelight_detectors.contract import Observation, Packed
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.split import shuffled
from sidelight_detectors.streaming.folds import Watched

if TYPE_CHECKING:
    from sidelight_detectors.parts import Reference

NS = 1_000_000_000

MOST_ROWS = 100_000
"""Reference rows that places are counted of."""

SAMPLE = 2000
"""Reference rows kept one by one, to tell how far a run reaches."""


@dataclass(frozen=True, eq=False)
class QueryAttacks:
    """Finds many different queries near each other.

    Parameters
    ----------
    rows:
        Reference rows that were counted, each different from all others.
    filled, counts:
        Shape ``(p,)`` int64: places (table * PLACES + place) that hold any, and how many.
    sample:
        Shape ``(r, tables)``: places of some of the rows.
    """

    settings: AdversarialSettings
    fingerprints: Fingerprints
    rows: int
    filled: NDArray[np.int64]
    counts: NDArray[np.int64]
    sample: NDArray[np.uint16]

    @property
    def size(self) -> int:
        return 0

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.fingerprints.inputs

    @property
    def headers(self) -> tuple[str, ...]:
        return ()

    def observe(self, rows: Indexed) -> Observation:
        return Observation(np.zeros(0, np.int64), trail=trail_of(self.fingerprints.prints(rows)))

    def fold(self, watched: Watched) -> Attacks:
        return Attacks(watched, self.normal, self.rules)

    @property
    def rules(self) -> Rules:
        settings = self.settings
        return Rules(
            settings.memory,
            round(settings.memory_seconds * NS),
            round(settings.quiet_seconds * NS),
            settings.least,
            self.log_threshold,
            settings.crowding,
            settings.batch,
            self.promise,
        )

    @property
    def log_threshold(self) -> float:
        """Every query opens a place in each table; each may err by its share of the promise."""
        return math.log(self.fingerprints.tables / self.settings.false_episodes)

    @cached_property
    def normal(self) -> Normal:
        """What ordinary queries look like."""
        counts = np.zeros(self.fingerprints.tables * PLACES, np.int32)
        counts[self.filled] = self.counts
        by_table = counts.reshape(-1, PLACES).astype(np.int64)
        return Normal(fit_density(by_table, self.rows), counts, self.sample)

    @property
    def promise(self) -> str:
        """What is promised about false alarms, and what that rests on."""
        settings = self.settings
        return (
            f"On average at most one false episode in {1 / settings.false_episodes:,.0f} different "
            "queries, as long as these are drawn independently from traffic that is nowhere more "
            f"than {settings.crowding:g} times as crowded as the reference (so its neighbours, as "
            f"{self.rows:,} reference rows show them). Queries sent again count once."
        )

    def pack(self) -> Packed:
        prints = self.fingerprints.pack()
        header = {
            "settings": self.settings.model_dump(mode="json"),
            "rows": self.rows,
            "prints": dict(prints.header),
        }
        arrays = {f"print/{key}": array for key, array in prints.arrays.items()}
        arrays |= {"filled": self.filled, "counts": self.counts, "sample": self.sample}
        return Packed(header, arrays)


def fit_adversarial(reference: Reference) -> QueryAttacks | None:
    """Counts the different rows of the reference, or of a random part of it, in their places."""
    settings = reference.model.detectors.adversarial
    if settings is None:
        return None
    fingerprints = fit_fingerprints(reference)
    chosen = np.sort(shuffled(len(reference.rows))[:MOST_ROWS])
    prints = fingerprints.prints(reference.rows.take(chosen))
    _, first = np.unique(prints.identity, return_index=True)
    places = prints.places[np.sort(first)]
    flat = places + np.arange(fingerprints.tables, dtype=np.int64) * PLACES
    filled, counts = np.unique(flat, return_counts=True)
    sample = places[np.sort(shuffled(len(places))[:SAMPLE])]
    return QueryAttacks(
        settings, fingerprints, len(places), filled, counts.astype(np.int64), sample
    )


def unpack_adversarial(packed: Packed, grid: Grid, features: int) -> QueryAttacks:
    settings = AdversarialSettings.model_validate(packed.header["settings"])
    begin = "print/"
    own = {key[len(begin) :]: a for key, a in packed.arrays.items() if key.startswith(begin)}
    fingerprints = unpack_fingerprints(Packed(packed.header["prints"], own))
    filled, counts, sample = (packed.arrays[name] for name in ("filled", "counts", "sample"))
    wide = sample.ndim == 2 and sample.shape[1] == fingerprints.tables
    if not wide or len(filled) != len(counts) or filled.max() >= fingerprints.tables * PLACES:
        raise ValueError(f"places of other than {fingerprints.tables} tables")
    return QueryAttacks(settings, fingerprints, packed.header["rows"], filled, counts, sample)
