"""Anchors as a method of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sidelight.config.explaining.anchor import AnchorSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.anchors.agreement import Agreement
from sidelight_explainers.anchors.predicates import borders
from sidelight_explainers.anchors.search import Search, Spent
from sidelight_explainers.anchors.table import Table
from sidelight_explainers.anchors.world import World
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Stopped
from sidelight_explainers.reference.ordering import ordered_features
from sidelight_explainers.subject import Subject

MakeWorld = Callable[[Columns, AnchorSettings], World]


@dataclass(frozen=True)
class Anchors:
    """Explains one row by a rule that is proved on draws that had no part in finding it."""

    subject: Subject
    world: MakeWorld

    def __call__(self, rows: Columns, options: AnchorSettings, inquiry: Inquiry) -> Explanation:
        world = self.world(rows, options)
        output = self.subject.output(options)
        agreement = Agreement(inquiry, world.explained(), output, options)
        search = Search(world, options, agreement, np.random.default_rng(options.seed))

        def told(stopped: Stopped) -> Explanation:
            content = _content(world, options, agreement, search)
            return self.subject.explanation("anchor", options, content, inquiry.quality(stopped))

        return told(_stopped(search, agreement, inquiry, told))


def open_method(subject: Subject, settings: AnchorSettings) -> Anchors:
    """Raises `ConfigError` for a reference that cannot be used."""
    if subject.modality == "tabular":
        return Anchors(subject, _tables(subject, settings))
    from sidelight_explainers.anchors.presence import Presence
    from sidelight_explainers.games.opening import open_games

    games = open_games(subject, settings)
    return Anchors(subject, lambda rows, options: Presence(games(rows, options)))


def _tables(subject: Subject, settings: AnchorSettings) -> MakeWorld:
    background = subject.background(settings.background, settings.seed).rows
    cuts = borders(subject.rows(), ordered_features(subject), settings.bins)
    return lambda row, _options: Table.of(row, background, cuts)


def _stopped(
    search: Search,
    agreement: Agreement,
    inquiry: Inquiry,
    told: Callable[[Stopped], Explanation],
) -> Stopped:
    try:
        for _ in search.run():
            inquiry.show(told("budget"))
        search.settle()
    except OutOfTime:
        if not agreement.started:
            raise
        return "deadline"
    except Spent as spent:
        return _settled(search, agreement, inquiry, spent)
    return "budget" if search.is_cut_short else "accurate"


def _settled(search: Search, agreement: Agreement, inquiry: Inquiry, spent: Spent) -> Stopped:
    if not agreement.started:
        raise DataMismatch(
            f"a budget of {inquiry.left} rows is too small to compare rules; set at least"
            f" {2 * spent.rows}"
        )
    reason: Stopped = "budget" if spent.rows > inquiry.left else "deadline"
    try:
        search.settle()
    except (OutOfTime, Spent):
        return reason
    return reason


def _content(world: World, options: AnchorSettings, agreement: Agreement, search: Search) -> Anchor:
    found = search.found
    proof = found or search.nearest
    return Anchor(
        output=agreement.output,
        decision=agreement.decision,
        conditions=world.conditions(proof.rule),
        found=found is not None,
        precision=proof.precision,
        precision_low=proof.low,
        confidence=options.confidence,
        coverage=world.coverage(proof.rule),
        draws=proof.draws,
        distribution=world.distribution,
        layout=world.layout(),
        facts=(("rules_tested", search.tested),),
    )
