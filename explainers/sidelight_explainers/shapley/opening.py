"""Shapley values as a method of a model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.contract import Explainer, Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.game import Game
from sidelight_explainers.games.opening import MakeGame, open_games
from sidelight_explainers.games.tabular import TabularGame, parts_of
from sidelight_explainers.games.text import TextGame
from sidelight_explainers.reference.background import Background
from sidelight_explainers.shapley.estimating import Found, background_rows, estimate
from sidelight_explainers.shapley.owen import owen_values
from sidelight_explainers.shapley.proxies.learning import Learning
from sidelight_explainers.shapley.proxies.numbers import Numbers
from sidelight_explainers.shapley.proxies.opening import Proxies
from sidelight_explainers.subject import Subject
from sidelight_explainers.whitebox.contract import Unread, WhiteBox
from sidelight_explainers.whitebox.opening import open_white_box

NAME = "shapley"


@dataclass(frozen=True)
class OfTables:
    """Explains one row of a table; a budget of r rows and n features (or groups) uses the first
    ``(r - 2) // n`` background rows, whatever the row, so that explanations share one base."""

    subject: Subject
    background: Background
    box: WhiteBox | Unread
    proxies: Proxies | None = None

    def __call__(self, rows: Columns, options: ShapleySettings, inquiry: Inquiry) -> Explanation:
        if options.proxy and self.proxies is None:
            raise DataMismatch("option 'proxy': this model's configuration does not allow one")
        game = self._game(rows, options, options.budget)
        output = self.subject.output(options)
        read = self._read(game, options, output, inquiry)
        if not isinstance(read, Unread):
            quality = inquiry.quality("accurate")
            return self.subject.explanation(NAME, options, read, quality, box="whitebox")
        if inquiry.left < options.budget:  # the white box asked in vain
            game = self._game(rows, options, inquiry.left)
        facts = (("background", self.background.source), ("whitebox", read.reason))
        found = self._estimated(game, options, output, inquiry)
        return _last(self.subject, options, self._told(found, facts), inquiry)

    def _estimated(
        self, game: TabularGame, options: ShapleySettings, output: str | None, inquiry: Inquiry
    ) -> Iterator[Found]:
        if self.proxies is None:
            return estimate(game, game.positions(), options, output, inquiry)
        aide = self.proxies.aide(game) if options.proxy else None
        learning = self.proxies.buying(inquiry, output)
        return estimate(game, game.positions(), options, output, learning, aide)

    def _game(self, rows: Columns, options: ShapleySettings, budget: int) -> TabularGame:
        names, _ = parts_of(self.background.rows.names, options.groups)
        background = self.background.first(background_rows(len(names), budget))
        return TabularGame.of(rows, background, options.groups)

    def _read(
        self, game: TabularGame, options: ShapleySettings, output: str | None, inquiry: Inquiry
    ) -> Any:
        if not options.whitebox:
            return Unread("not wished")
        if options.groups:
            return Unread("the model's file tells of single features, not of groups")
        if isinstance(self.box, Unread):
            return self.box
        return self.box(game.explained(), output, inquiry)

    def _told(self, found: Iterator[Found], facts: tuple[tuple[str, Any], ...]) -> Iterator[Found]:
        for content, stopped in found:
            rows = self.background.reference_rows
            yield replace(content, reference_rows=rows, facts=(*content.facts, *facts)), stopped


@dataclass(frozen=True)
class OfTextsAndPictures:
    """Explains one text by its words, one picture by its superpixels."""

    subject: Subject
    games: MakeGame

    def __call__(self, rows: Columns, options: ShapleySettings, inquiry: Inquiry) -> Explanation:
        game = self.games(rows, options)
        output = self.subject.output(options)
        if isinstance(game, TextGame) and options.hierarchy == "sentences":
            tolerance = options.tolerance or 0.0
            found = owen_values(game, game.groups, output, options.seed, tolerance, inquiry)
        else:
            found = estimate(game, _unordered(game), options, output, inquiry)
        return _last(self.subject, options, found, inquiry)


def open_method(subject: Subject, settings: ShapleySettings) -> Explainer[ShapleySettings]:
    """Raises `ConfigError` for a budget, groups or a reference that cannot be used."""
    # explanations run beside each other: threads of one would only wait for those of another
    threadpool_limits(1, user_api="blas")
    if subject.modality != "tabular":
        return OfTextsAndPictures(subject, open_games(subject, settings))
    background = subject.background(settings.background, settings.seed)
    try:
        names, _ = parts_of(background.rows.names, settings.groups)
        background_rows(len(names), settings.budget)
    except DataMismatch as exc:
        raise ConfigError(f"{subject.key}.explainers.shapley: {exc}") from exc
    proxies = Proxies(Numbers.of(background.rows), Learning()) if settings.proxy else None
    return OfTables(subject, background, open_white_box(subject, background), proxies)


def _unordered(game: Game) -> NDArray[np.float64]:
    """Backgrounds of texts and pictures stand in no order."""
    return np.zeros((game.size, game.players))


def _last(
    subject: Subject, options: ShapleySettings, found: Iterator[Found], inquiry: Inquiry
) -> Explanation:
    """Shows each explanation as it is known, and returns the last."""
    told: Explanation | None = None
    for content, stopped in found:
        told = subject.explanation(NAME, options, content, inquiry.quality(stopped))
        inquiry.show(told)
    if told is None:
        raise ValueError("nothing was found")
    return told
