"""Rules about the parts of a text or a picture: which of them are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_explainers.anchors.world import Draws, Rule
from sidelight_explainers.contents.anchor import Condition
from sidelight_explainers.contents.layout import Layout, TextLayout
from sidelight_explainers.games.game import Game, Masks

CHANCE = 0.5
"""That a part which the rule does not name is there."""
LEAST = 6
"""Draws for each of several rules that are compared; with fewer, chance would choose."""


class Parts(Game, Protocol):
    """A game whose players are parts of one text or picture; `playing` (p,) numbers them."""

    @property
    def playing(self) -> NDArray[np.intp]: ...


@dataclass(frozen=True, eq=False)
class Presence:
    """In a draw given a rule, the parts that it names are there and each other one is by chance,
    independently; so a draw in which a part is there by chance is a draw given that it is."""

    game: Parts

    @property
    def distribution(self) -> str:
        return f"each part that the rule does not name is there with probability {CHANCE:g}"

    def explained(self) -> Columns:
        return self.game.explained()

    def longer(self, rule: Rule) -> list[Rule]:
        others = (part for part in range(self.game.players) if part not in rule)
        return [tuple(sorted((*rule, part))) for part in others]

    def shorter(self, rule: Rule) -> list[Rule]:
        return [tuple(held for held in rule if held != part) for part in rule]

    def coverage(self, rule: Rule) -> float:
        return float(CHANCE ** len(rule))

    def fresh(self, rules: Sequence[Rule], rows: int, rng: Generator) -> Draws:
        masks = self._masks(rules, rows, rng)
        of = np.repeat(np.eye(len(rules), dtype=bool), len(masks) // len(rules), axis=1)
        return self._drawn(masks, of, rng)

    def survey(
        self, stems: Sequence[Rule], rules: Sequence[Rule], rows: int, rng: Generator
    ) -> Draws:
        masks = self._masks(stems, rows, rng)
        blocks = masks.reshape(len(stems), -1, self.game.players)
        of = np.zeros((len(rules), *blocks.shape[:2]), bool)
        for at, rule in enumerate(rules):
            for block, stem in enumerate(stems):
                if set(stem) <= set(rule):
                    of[at, block] = blocks[block][:, list(rule)].all(axis=1)
        return self._drawn(masks, of.reshape(len(rules), -1), rng)

    def conditions(self, rule: Rule) -> tuple[Condition, ...]:
        layout = self.game.layout()
        parts = [int(self.game.playing[player]) for player in rule]
        return tuple(_condition(layout, part) for part in parts)

    def layout(self) -> Layout | None:
        return self.game.layout()

    def _masks(self, rules: Sequence[Rule], rows: int, rng: Generator) -> Masks:
        """The same luck for each rule, which makes rules easier to compare."""
        count = max(rows // len(rules), LEAST)
        luck = rng.random((count, self.game.players)) < CHANCE
        masks = np.tile(luck, (len(rules), 1, 1))
        for at, rule in enumerate(rules):
            masks[at][:, list(rule)] = True
        return masks.reshape(-1, self.game.players)

    def _drawn(self, masks: Masks, of: NDArray[np.bool_], rng: Generator) -> Draws:
        background = rng.integers(self.game.size, size=len(masks))
        keys = self.game.keys(masks, background)
        return Draws(keys, of, lambda at: self.game.rows(masks[at], background[at]))


def _condition(layout: Layout | None, part: int) -> Condition:
    if isinstance(layout, TextLayout):
        words = " … ".join(layout.text[start:end] for start, end in layout.spans[part])
        return Condition(layout.feature, part, words)
    feature = layout.feature if layout else ""
    return Condition(feature, part, f"{feature}[{part}]")
