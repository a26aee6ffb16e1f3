"""What `sidelight explain` does: rows are read, explained, drawn, and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight_explainers.evaluation.evaluating import Evaluation, evaluate
from sidelight_explainers.evaluation.telling import evaluation_text
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.terminal.rows import Source, explain_rows, opened, settings_and_name
from sidelight_explainers.terminal.showing import Files, json_text, write_pictures
from sidelight_explainers.terminal.text import plain_text
from sidelight_explainers.wishes import METHOD, wish


@dataclass(frozen=True)
class Order:
    """What was asked for: `told` is a method and options of it, `files` are pictures to write."""

    source: Source
    told: Mapping[str, Any]
    files: Files
    evaluates: bool
    as_json: bool


@dataclass(frozen=True)
class Told:
    """An explanation, and how good it is if that was asked."""

    explanation: Explanation
    evaluation: Evaluation | None

    def to_json(self) -> dict[str, Any]:
        told = self.explanation.to_json()
        return told if self.evaluation is None else told | {"evaluation": self.evaluation.to_json()}

    def text(self) -> str:
        told = plain_text(self.explanation)
        if self.evaluation is None:
            return told
        return f"{told}\n\n{evaluation_text(self.evaluation)}"


def run(config: Path | None, name: str | None, order: Order) -> Iterator[str]:
    """What to print, in order. Raises `ConfigError`, `DataMismatch`, and what explainers raise."""
    all_told = _explained(config, name, order)
    if order.as_json:
        yield json_text([one.to_json() for one in all_told])
    else:
        yield "\n\n".join(one.text() for one in all_told)
    written = write_pictures([one.explanation for one in all_told], order.files)
    for path in written:
        if not order.as_json:
            yield f"\nwritten: {path}"


def _explained(config: Path | None, name: str | None, order: Order) -> list[Told]:
    settings, chosen = settings_and_name(config, name)
    rows = order.source.read(settings, chosen)
    with opened(settings, chosen, order.told.get(METHOD)) as model:
        asked = wish(model, order.told, "option")
        found = list(explain_rows(model, asked, rows))
        if not order.evaluates:
            return [Told(one, None) for one in found]
        return [
            Told(one, evaluate(model, asked, rows.take([at]), one)) for at, one in enumerate(found)
        ]
