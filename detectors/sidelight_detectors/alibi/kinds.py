"""What is known of alibi-detect's classes before one of them is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Takes = Literal["numeric", "categorical", "binary", "any", "series"]
"""Which columns a class can read. series: one numeric column, whose rows are equidistant in time.
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A class: what it reads, whether it needs PyTorch or TensorFlow, and whether its p-values are
    good for a promise over all windows (each valid, and as small as need be)."""

    takes: Takes = "numeric"
    needs_backend: bool = False
    promises: bool = False


KINDS: Mapping[str, Kind] = {
    "AdversarialAE": Kind(),
    "CVMDrift": Kind(promises=True),
    "CVMDriftOnline": Kind(),
    "ChiSquareDrift": Kind("categorical", promises=True),
    "ClassifierDrift": Kind(),
    "FETDrift": Kind("binary", promises=True),
    "FETDriftOnline": Kind("binary"),
    "IForest": Kind(),
    "KSDrift": Kind(promises=True),
    "LSDDDrift": Kind(needs_backend=True),
    "LSDDDriftOnline": Kind(needs_backend=True),
    "MMDDrift": Kind(needs_backend=True),
    "MMDDriftOnline": Kind(needs_backend=True),
    "Mahalanobis": Kind(),
    "ModelDistillation": Kind(),
    "SpectralResidual": Kind("series"),
    "TabularDrift": Kind("any", promises=True),
}

UNKNOWN = Kind("any")
"""A class that is only ever loaded."""

PERMUTING = ("MMDDrift", "LSDDDrift", "LearnedKernelDrift", "SpotTheDiffDrift", "ContextMMDDrift")
"""Classes whose p-value is a share of permutations that does not count the observed statistic."""
