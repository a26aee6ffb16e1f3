"""Permutation importance (Breiman, Machine Learning 2001; Fisher, Rudin & Dominici, JMLR 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.config.explaining.importance import ImportanceSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.contents.importances import Importance, Importances
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.importance.losses import WORDS, Judge, judge
from sidelight_explainers.importance.shuffling import Shuffles
from sidelight_explainers.importance.truths import Truths
from sidelight_explainers.subject import Subject
from sidelight_explainers.surveys.asking import Answered
from sidelight_explainers.surveys.survey import (
    Pool,
    pool_of,
    replaced,
    require_features,
    surveyed_features,
    surveyed_places,
)
from sidelight_explainers.surveys.telling import Telling

LEAST = 3
"""Rows without which there is no interval: of two, each takes the other's value."""
ENOUGH = 20
"""Rows from which an interval is called reliable."""


@dataclass(frozen=True)
class PermutationImportance:
    """Gives the rows each other's values of one feature, and compares what the model then says.

    A budget of r rows and f features shuffled s times pays for ``r / (1 + s f)`` rows.
    """

    subject: Subject

    def __call__(self, rows: Columns, options: ImportanceSettings, inquiry: Inquiry) -> Explanation:
        pool, truths = self._judged(pool_of(self.subject, rows, options), options)
        _refuse_without_truth(options, truths)
        _refuse_few(pool)
        features = surveyed_features(pool, options)
        questions = 1 + len(features) * options.repeats
        places = surveyed_places(pool, options, questions, inquiry.left, LEAST)
        looked_at = pool.rows.take(places)
        truth = None if truths is None else truths.take(places)
        rng = np.random.default_rng(options.seed)
        shuffles = Shuffles.draw(options.repeats, len(looked_at), rng)
        parts = {name: _shuffled(looked_at, name, shuffles) for name in features}

        def content(answered: Answered) -> Importances:
            judged = self._judge(options, answered, truth)
            return _content(answered, judged, shuffles, pool.data)

        telling = Telling(self.subject, "importance", options, pool, content)
        return telling.explain(looked_at, parts, inquiry)

    def _judged(self, pool: Pool, options: ImportanceSettings) -> tuple[Pool, Truths | None]:
        """The rows whose truth is told, and it; all rows where it is not asked for, or known of
        none."""
        name, table = self._outcome.label, self.subject.table
        if options.loss == "change" or pool.rows is not self.subject.reference:
            return pool, None
        if name is None or table is None or name not in table:
            return pool, None
        truths = Truths.of(table[name])
        told = truths.told
        return (
            (Pool(pool.rows.take(told), pool.data), truths.take(told))
            if len(told)
            else (pool, None)
        )

    @property
    def _outcome(self) -> OutcomeSettings:
        return self.subject.settings.outcome or OutcomeSettings()

    def _judge(self, options: ImportanceSettings, told: Answered, truth: Truths | None) -> Judge:
        if truth is None:
            return Judge("change", told.rows)
        return judge(options.loss, told.output, told.rows, self._outcome, truth)


def open_method(subject: Subject, settings: ImportanceSettings) -> PermutationImportance:
    """Raises `ConfigError` where there is no reference, or a feature is none of the model's."""
    require_features(subject, "importance", settings)
    return PermutationImportance(subject)


def _refuse_without_truth(options: ImportanceSettings, truths: Truths | None) -> None:
    if truths is None and options.loss not in ("auto", "change"):
        raise DataMismatch(
            f"the loss {options.loss!r} needs the truth, which only the reference's column"
            " 'outcome.label' tells; set 'loss' to change"
        )


def _refuse_few(pool: Pool) -> None:
    if len(pool.rows) < LEAST:
        raise DataMismatch(
            f"{len(pool.rows)} row(s) of {pool.data}: importance gives rows each other's values;"
            f" send at least {LEAST}, or none for those of the reference"
        )


def _shuffled(rows: Columns, name: str, shuffles: Shuffles) -> Columns:
    """Each row with each of its donors' values (r * n,), repeat after repeat."""
    repeats = len(shuffles.donors)
    again = rows.take(np.tile(np.arange(len(rows)), repeats))
    return replaced(again, name, Columns((rows[name].take(shuffles.donors.reshape(-1)),)))


def _content(told: Answered, judged: Judge, shuffles: Shuffles, data: str) -> Importances:
    before = judged.losses(told.rows)
    importances = []
    for name, values in told.parts.items():
        after = judged.losses(values.reshape(shuffles.donors.shape))
        mean, half = shuffles.mean(after - before)
        importances.append(Importance(name, mean, mean - half, mean + half))
    return Importances(
        output=told.output,
        loss=WORDS[judged.name],
        baseline=float(before.mean()),
        importances=tuple(importances),
        data=data,
        data_rows=len(told.rows),
        facts=(
            ("repeats", len(shuffles.donors)),
            ("interval", "reliable" if len(told.rows) >= ENOUGH else "unreliable"),
        ),
    )
