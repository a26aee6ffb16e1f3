"""How the findings of detectors other than drift are read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sidelight_detectors.alibi.finding import AlibiFinding
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.contract import Finding
from sidelight_detectors.flips.finding import FlipFinding
from sidelight_detectors.joint.findings import JointFinding
from sidelight_detectors.labels.finding import LabelsFinding
from sidelight_detectors.performance.finding import PerformanceFinding

FINDINGS: Mapping[str, Callable[[Mapping[str, Any]], Finding]] = {
    "alibi": AlibiFinding.from_json,
    "bias": BiasFinding.from_json,
    "flips": FlipFinding.from_json,
    "joint": JointFinding.from_json,
    "labels": LabelsFinding.from_json,
    "performance": PerformanceFinding.from_json,
}
"""By detector: its finding from the JSON of its fields. Of ``alibi:NAME`` what is before the colon
counts."""


def finding_of(detector: str, saved: Mapping[str, Any]) -> Finding:
    """`KeyError` for a detector that is not known."""
    return FINDINGS[detector.partition(":")[0]](saved)
