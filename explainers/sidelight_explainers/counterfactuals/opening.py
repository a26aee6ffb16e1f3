"""Counterfactuals as a method of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.counterfactual import CounterfactualSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.counterfactuals.actions import allowed, check_actions
from sidelight_explainers.counterfactuals.searching import Search
from sidelight_explainers.counterfactuals.steps import Steps, Unaffordable
from sidelight_explainers.counterfactuals.telling import Teller
from sidelight_explainers.counterfactuals.walking import Walk
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.blend import Blend, blend
from sidelight_explainers.quality import Stopped
from sidelight_explainers.reference.metric import Metric
from sidelight_explainers.reference.ordering import ordered_features
from sidelight_explainers.subject import Subject


@dataclass(frozen=True, eq=False)
class CounterfactualsOf:
    """Explains one row by rows that are decided differently. `gaps` (m,), ascending, are the
    distances between reference rows and their nearest others."""

    subject: Subject
    ordered: frozenset[str]
    metric: Metric
    gaps: NDArray[np.float64]

    def __call__(
        self, rows: Columns, options: CounterfactualSettings, inquiry: Inquiry
    ) -> Explanation:
        reference = self.metric.reference
        check_actions(options, reference.names, self.ordered)
        mix = blend(rows.select(reference.names), reference)
        steps = Steps(mix, inquiry, self.subject.output(options), options)
        walk = self._walk(mix, steps, options)
        search, teller = Search(walk), Teller(mix, walk, self.metric, self.gaps)

        def told(stopped: Stopped) -> Explanation:
            content = teller.told(search.chosen(options.count, options.max_changes))
            quality = inquiry.quality(stopped)
            return self.subject.explanation("counterfactual", options, content, quality)

        return told(_stopped(search, steps, inquiry, told))

    def _walk(self, mix: Blend, steps: Steps, options: CounterfactualSettings) -> Walk:
        row = mix.palette.take([mix.size])
        still = np.zeros((1, len(row.columns)))
        return Walk(
            steps=steps,
            allowed=allowed(mix.palette, options),
            apart=np.vstack([self.metric.parts(row), still]),
            offsets=np.vstack([self.metric.offsets(row), still]),
            budget=options.budget,
        )


def open_method(subject: Subject, settings: CounterfactualSettings) -> CounterfactualsOf:
    """Raises `ConfigError` for a reference that cannot be used, or a feature that is not there."""
    ordered = ordered_features(subject)
    reference = subject.background(settings.background, settings.seed).rows
    try:
        check_actions(settings, reference.names, ordered)
    except DataMismatch as exc:
        raise ConfigError(f"{subject.key}.explainers.counterfactual.{exc}") from exc
    metric = Metric.of(reference, ordered)
    return CounterfactualsOf(subject, ordered, metric, np.sort(metric.neighbours()))


def _stopped(
    search: Search, steps: Steps, inquiry: Inquiry, told: Callable[[Stopped], Explanation]
) -> Stopped:
    try:
        for _ in search.run():
            inquiry.show(told("budget"))
    except OutOfTime:
        if not steps.started:
            raise
        return "deadline"
    except Unaffordable as question:
        return "budget" if question.rows > inquiry.left else "deadline"
    return "accurate"
