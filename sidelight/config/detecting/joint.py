"""All columns together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section


class JointSettings(Section):
    """Drift of how columns go together: MMD over all of them, correlation of each pair.

    Its windows are those of `drift`.
    """

    method: Literal["mmd", "permutation"] = "mmd"
    """mmd: random Fourier features, additive. permutation: the same, and `sidelight score` also
    compares the whole file with the reference by an exact permutation test."""
    columns: tuple[str, ...] = ()
    """Watched columns that take part; all when empty. Rows count in which all were observed."""
    projections: int = Field(default=128, ge=16, le=1024)
    """Random projections: more resolve more, and make panes larger (8 bytes each at most)."""
    tolerance: float = Field(default=0.03, ge=0, lt=1)
    """Largest MMD beyond chance of no practical interest. Among six columns, half a standard
    deviation of one is about 0.1, a correlation of 0.7 instead of 0 about 0.08."""
    correlation_tolerance: float = Field(default=0.1, ge=0, lt=2)
    """Largest change of a correlation beyond chance of no practical interest."""
    pairs: int = Field(default=5, ge=0)
    """Pairs a finding names; 0 leaves correlations out."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance that this detector ever raises a false alarm on one model version (alpha)."""
    rows: int = Field(default=2000, ge=100)
    """permutation: rows of the reference, and of the file, at most; drawn at random."""
    permutations: int = Field(default=1000, ge=19)
    """permutation: shuffles; no p-value is below 1 / (permutations + 1)."""
