"""How the findings of detectors other than drift are read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sidelight_detectors.contract import Finding

FINDINGS: Mapping[str, Callable[[Mapping[str, Any]], Finding]] = {}
"""By detector: its finding from the JSON of its fields."""
