"""Shapley values as a method of a model."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.background import Background
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.shapley.estimating import background_rows, estimate
from sidelight_explainers.subject import Subject


@dataclass(frozen=True)
class Shapley:
    """Explains one row; a budget of r rows and n features uses the first ``(r - 2) // n``
    background rows, whatever the row, so that explanations share one base."""

    subject: Subject
    background: Background

    def __call__(self, rows: Columns, options: ShapleySettings, inquiry: Inquiry) -> Explanation:
        background = self.background.first(
            background_rows(len(self.background.rows.names), options.budget)
        )
        game = TabularGame.of(rows, background)
        output, known = self.subject.output(options), self.background.reference_rows
        found = estimate(game, options, output, known, inquiry)
        return self.subject.explanation(
            "shapley", options, found.content, inquiry.quality(found.stopped)
        )


def open_method(subject: Subject, settings: ShapleySettings) -> Shapley:
    """Raises `ConfigError` for a budget or reference that cannot be used."""
    background = subject.background(settings.background, settings.seed)
    try:
        background_rows(len(background.rows.names), settings.budget)
    except DataMismatch as exc:
        raise ConfigError(f"{subject.key}.explainers.shapley.budget: {exc}") from exc
    return Shapley(subject, background)
