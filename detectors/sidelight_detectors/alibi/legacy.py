"""Outlier detectors that were saved as pickles and need no TensorFlow.

alibi-detect reads these files only where TensorFlow is installed, though there is nothing of it in
them: its module for them imports it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FREE = ("IForest", "Mahalanobis", "SpectralResidual")
SUFFIXES = (".dill", ".pickle")


def legacy_file(folder: Path) -> Path | None:
    """The file of the detector's own state, if it is one of these."""
    files = (folder / f"{name}{suffix}" for name in FREE for suffix in SUFFIXES)
    return next((file for file in files if file.exists()), None)


def load_legacy(file: Path) -> Any:
    """Unpickles, so it runs what the file says: only for one whose folder was pinned and allowed.

    What the constructor takes goes there, the rest is what the detector has learnt.
    """
    with file.open("rb") as content:
        state: Mapping[str, Any] = importlib.import_module("dill").load(content)
    kind = getattr(importlib.import_module("alibi_detect.od"), file.stem)
    takes = inspect.signature(kind).parameters
    detector = kind(**{name: value for name, value in state.items() if name in takes})
    for name, value in state.items():
        setattr(detector, name, value)
    return detector
