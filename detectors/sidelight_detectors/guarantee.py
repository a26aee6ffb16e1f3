"""How many ordinary rows a detector flags, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guarantee:
    """How many ordinary rows are flagged.

    Parameters
    ----------
    rate:
        Of rows like the reference's, averaged over references: at most this share.
    bound:
        On this one reference at most this share, with that `confidence` over references; None where
        the calibration rows were not held out and no such bound is known.
    rows:
        Calibration rows this rests on.
    """

    rate: float
    bound: float | None
    confidence: float | None
    rows: int

    def __str__(self) -> str:
        mean = f"rows like the reference's are flagged at a rate of {self.rate:.3g} on average"
        if self.bound is None or self.confidence is None:
            return f"{mean} over references ({self.rows} rows left out one by one)"
        return (
            f"{mean} over references, and with {self.confidence:.4g} confidence at most "
            f"{self.bound:.3g} on this one ({self.rows} rows held out)"
        )
