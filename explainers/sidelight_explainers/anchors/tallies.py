"""What draws have shown of rules so far; good for choosing among them, not for a guarantee."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sidelight_explainers.anchors.agreement import Seen
from sidelight_explainers.anchors.world import Draws, Rule, World


class Tallies:
    """Hits, draws and nearness of each rule, and the share of rows it applies to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counts: dict[Rule, tuple[int, int, float]] = {}
        self._coverage: dict[Rule, float] = {}

    def __contains__(self, rule: object) -> bool:
        return rule in self._counts

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All that were drawn for."""
        return tuple(self._counts)

    def add(self, rules: Sequence[Rule], draws: Draws, seen: Seen) -> None:
        """Draws of these rules, and what was seen of each draw."""
        drawn, hits = draws.of.sum(axis=1), (draws.of & seen.agrees).sum(axis=1)
        near = draws.of @ seen.near
        for rule, *new in zip(rules, hits.tolist(), drawn.tolist(), near.tolist(), strict=True):
            before = self._counts.get(rule, (0, 0, 0.0))
            self._counts[rule] = (before[0] + new[0], before[1] + new[1], before[2] + new[2])

    def counts(self, rule: Rule) -> tuple[int, int]:
        """Hits and draws."""
        return self._counts.get(rule, (0, 0, 0.0))[:2]

    def share(self, rule: Rule) -> float:
        """Of hits, drawn towards a half so that few draws promise little."""
        hits, draws, _ = self._counts.get(rule, (0, 0, 0.0))
        return (hits + 1) / (draws + 2)

    def promise(self, rule: Rule) -> float:
        """The share, and how near draws came on average: where nothing has the decision yet, the
        second shows which way to go."""
        _, draws, near = self._counts.get(rule, (0, 0, 0.0))
        return self.share(rule) + (near + 0.5) / (draws + 1)

    def coverage(self, rule: Rule) -> float:
        """The share of rows that the rule applies to."""
        if rule not in self._coverage:
            self._coverage[rule] = self._world.coverage(rule)
        return self._coverage[rule]

    def is_wider(self, one: Rule, other: Rule) -> bool:
        """Does the first apply to more rows, or to no fewer with fewer conditions?"""
        return self._narrowness(one) < self._narrowness(other)

    def best(self, rules: Iterable[Rule], count: int) -> list[Rule]:
        """The most promising; among equals the more general."""
        known = dict.fromkeys(rules)
        return sorted(known, key=lambda rule: (-self.promise(rule), self._narrowness(rule)))[:count]

    def most_general(self, rules: Iterable[Rule], count: int) -> list[Rule]:
        return sorted(dict.fromkeys(rules), key=self._narrowness)[:count]

    def _narrowness(self, rule: Rule) -> tuple[float, int, Rule]:
        return (-self.coverage(rule), len(rule), rule)
