"""What people call detectors and reasons, which page is about them, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "drift": "Drift",
        "versions": "Versions differ",
        "joint": "Joint drift",
        "performance": "Estimated performance",
        "bias": "Bias of decisions",
        "bias:labels": "Bias of what came true",
        "flips": "Decisions that change with a protected attribute",
        "adversarial": "Search for adversarial examples",
    }
)

_ROOMS: Mapping[str, str] = MappingProxyType(
    {
        "performance": "bias",
        "bias": "bias",
        "bias:labels": "bias",
        "flips": "bias",
        "adversarial": "attacks",
    }
)

_RUNBOOKS: Mapping[str, str] = MappingProxyType(
    {
        "drift": "drift",
        "versions": "drift",
        "joint": "drift",
        "performance": "performance",
        "bias": "bias",
        "bias:labels": "bias",
        "flips": "bias",
        "adversarial": "attack",
    }
)

_CLEARED: Mapping[str, str] = MappingProxyType(
    {
        "quiet": "it has been quiet since",
        "calm": "the gap has been within its limits since",
        "crowded": "too many were open at once; this one had been quiet for longest",
        "new plan": "a new reference or setting came into force",
    }
)


def title_of(detector: str) -> str:
    """``Bias of decisions``; a detector of alibi-detect has its own name."""
    return _TITLES.get(detector) or detector.removeprefix("alibi:")


def room_of(detector: str) -> str:
    """The page of a model that shows what it judged: ``drift``, ``attacks``, ``bias``."""
    return _ROOMS.get(detector, "drift")


def runbook_of(detector: str) -> str:
    """Where its runbook stands in the repository."""
    return f"docs/runbooks/{_RUNBOOKS.get(detector, 'detector-alarm')}.md"


def cleared_because(reason: str) -> str:
    """In words."""
    return _CLEARED.get(reason, reason)
