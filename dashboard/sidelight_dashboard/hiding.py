"""What was said of columns that redaction drops by now is not told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sidelight.config.settings import ModelSettings, Settings
from sidelight.redaction.rules import folded


@dataclass(frozen=True)
class Hidden:
    """Names of columns that redaction drops, whatever the case in which they are written."""

    names: frozenset[str]

    def __contains__(self, name: str) -> bool:
        whole = folded(name)
        return any(whole == one or whole.startswith(f"{one}[") for one in self.names)

    def __bool__(self) -> bool:
        return bool(self.names)


def hidden_of(model: ModelSettings) -> Hidden:
    """What redaction drops of the model, whose settings `as_logged` gave."""
    rules = model.redact.columns if model.redact else {}
    return Hidden(frozenset(folded(name) for name, rule in rules.items() if rule.action == "drop"))


def ruled_of(model: ModelSettings) -> Hidden:
    """All columns that redaction has a rule for."""
    rules = model.redact.columns if model.redact else {}
    return Hidden(frozenset(map(folded, rules)))


def hidden_in(settings: Settings, model: str) -> Hidden:
    """Of a model that is configured no more what is dropped everywhere."""
    known = settings.models.get(model)
    return hidden_of(known or ModelSettings(redact=settings.logger.redact))


def is_told(columns: Iterable[str], hidden: Hidden) -> bool:
    """Whether none of them is hidden."""
    return not any(one in hidden for one in columns)
