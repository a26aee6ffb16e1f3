"""Real images, texts and people in `build/data`; a test that cannot have them is skipped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.demo import samples
from sidelight.errors import ArtifactError
from sidelight.tensors import Columns

DATA = Path("build/data")


@cache
def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """As `samples.digits`."""
    try:
        return samples.digits(DATA)
    except ArtifactError as exc:
        pytest.skip(str(exc))


@cache
def texts(domain: str) -> NDArray[Any]:
    """As `samples.texts`."""
    try:
        return samples.texts(DATA, domain)
    except ArtifactError as exc:
        pytest.skip(str(exc))


@cache
def rated(domain: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """As `samples.rated`."""
    try:
        return samples.rated(DATA, domain)
    except ArtifactError as exc:
        pytest.skip(str(exc))


@cache
def census() -> Columns:
    """As `samples.census`."""
    try:
        return samples.census(DATA)
    except ArtifactError as exc:
        pytest.skip(str(exc))
