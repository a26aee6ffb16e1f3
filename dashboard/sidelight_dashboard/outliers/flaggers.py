"""The detectors that flag single rows, as a model is configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidelight.config.settings import ModelSettings


@dataclass(frozen=True)
class Flagger:
    """One of them. `is_counted`: panes count its rows, so that a rate is known; others ask the
    model about a sample, and only the rows that they flag are told. Its score is made of `parts`.
    """

    name: str
    title: str
    sees: str
    is_counted: bool = True
    parts: str = "Column"


KNOWN: Mapping[str, Flagger] = MappingProxyType(
    {
        one.name: one
        for one in (
            Flagger("outlier", "Outliers", "rows that are strange beside the reference"),
            Flagger("schema", "Schema", "values that the reference never held"),
            Flagger("disagreement", "Disagreement", "answers unlike those of the rows beside them"),
            Flagger(
                "squeezing",
                "Squeezing",
                "answers that do not stand when the row loses detail",
                is_counted=False,
                parts="Squeezer",
            ),
        )
    }
)


def flagger_of(name: str) -> Flagger:
    """By the name in results; one that is not ours is a detector of alibi-detect."""
    return KNOWN.get(name) or Flagger(name, name, "rows that it finds strange", is_counted=False)


def configured(model: ModelSettings) -> tuple[Flagger, ...]:
    """Those of `detectors` that flag rows; what alibi-detect's may flag is known once they do."""
    return tuple(one for name, one in KNOWN.items() if getattr(model.detectors, name) is not None)
