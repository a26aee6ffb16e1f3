"""Which detectors of a model speak of which aspect."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sidelight.config.settings import ModelSettings
from sidelight_dashboard.overview.status import Aspect

_ASPECTS: Mapping[str, Aspect] = MappingProxyType(
    {
        "drift": "drift",
        "versions": "drift",
        "joint": "drift",
        "outlier": "outliers",
        "schema": "outliers",
        "disagreement": "outliers",
        "squeezing": "outliers",
        "adversarial": "attacks",
        "bias": "bias",
        "bias:labels": "bias",
        "flips": "bias",
        "performance": "bias",
    }
)


def aspect_of(detector: str) -> Aspect | None:
    """None where it judges nothing, such as `labels`; detectors of alibi-detect that judge windows
    look for drift."""
    return "drift" if detector.startswith("alibi") else _ASPECTS.get(detector)


def aspects_watched(model: ModelSettings) -> frozenset[Aspect]:
    """Aspects that a configured detector speaks of."""
    found = {
        aspect_of(name)
        for name in type(model.detectors).model_fields
        if getattr(model.detectors, name) is not None
    }
    return frozenset(one for one in found if one is not None)


def is_configured(model: ModelSettings, detector: str) -> bool:
    """Whether what such a detector said counts: it may have been taken out since."""
    return getattr(model.detectors, _setting_of(detector), None) is not None


def has_own_plan(detector: str) -> bool:
    """Those with a consumer group of their own are not under the model's plan."""
    return _setting_of(detector) in ("alibi", "flips", "squeezing")


def _setting_of(detector: str) -> str:
    return "drift" if detector == "versions" else detector.partition(":")[0]
