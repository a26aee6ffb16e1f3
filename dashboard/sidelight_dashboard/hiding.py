"""What was said of columns that redaction drops by now is not told."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sidelight.config.settings import ModelSettings, Settings
from sidelight_dashboard.exchanges.columns import Hidden, hidden_of

COMPARED = re.compile(r"(?:(\w+) of )?(.+): (.+) (beside|as) (.+)")
"""How detectors of bias write of two groups: metric, attribute, group, which way, other group."""

_BETWEEN = "*"
"""Between the attributes of an intersection."""


def hidden_in(settings: Settings, model: str) -> Hidden:
    """Of a model that is configured no more what is dropped everywhere."""
    known = settings.models.get(model)
    return hidden_of(known or ModelSettings(redact=settings.logger.redact))


def is_told(columns: Iterable[str], hidden: Hidden) -> bool:
    """Whether none of them is hidden."""
    return not any(one in hidden for one in columns)


def columns_of(suspect: str) -> tuple[str, ...]:
    """The model's columns that a suspect is about."""
    found = COMPARED.fullmatch(suspect)
    return attributes_of(found[2]) if found else (suspect,)


def attributes_of(attribute: str) -> tuple[str, ...]:
    """Both of an intersection."""
    return tuple(attribute.split(_BETWEEN))
