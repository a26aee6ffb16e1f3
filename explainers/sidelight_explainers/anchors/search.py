"""Looks for the most general rule that can be proved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from numpy.random import Generator

from sidelight.config.explaining.anchor import AnchorSettings
from sidelight_explainers.anchors.agreement import Agreement, Seen
from sidelight_explainers.anchors.proving import (
    Proof,
    doubt_of,
    draws_called_for,
    lower_bound,
    proving_draws,
)
from sidelight_explainers.anchors.tallies import Tallies
from sidelight_explainers.anchors.world import EMPTY, Draws, Rule, World

ROUND = 512
"""Draws of one round of comparing, where the budget is not small."""
KEPT = 8
"""Rules that a first round leaves for a second."""
TESTED = 3
"""Rules tested in one call."""
MARGIN = 0.3
"""How far a rule must look better than was wished for a test; nearer it would rarely pass."""
CALLS = 25
"""No search takes more; each costs a round trip to the predictor."""
A_LENGTH = 3
"""Calls for the rules of one length: twice compared, then tested."""
A_WIDENING = 2
"""Calls for the rules that are wider than a proved one: compared, tested."""


class Spent(Exception):
    """The next question costs more rows than are left."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


class Search:
    """One explanation's search; what it has found can be read whenever it ends."""

    def __init__(
        self, world: World, options: AnchorSettings, agreement: Agreement, rng: Generator
    ) -> None:
        self._world = world
        self._options = options
        self._agreement = agreement
        self._rng = rng
        self._round = min(ROUND, options.budget // 8)
        self._tallies = Tallies(world)
        self._proofs: dict[Rule, Proof] = {}
        self._tests = 0

    def run(self) -> Iterator[None]:
        """Rules of no condition, one, two, ... until one is proved, then wider ones; gives way
        whenever more is known. Raises `Spent` when it has to stop before the end, and what the
        predictor raises."""
        yield from self._lengthen()
        while self._allows(A_WIDENING) and self._widen():
            yield

    def settle(self) -> None:
        """Where no rule is proved, test the one that looks best with the rows that `run` spares;
        then again the one that came nearest, on as many draws as its own share calls for."""
        best = self._tallies.best(self._tallies.rules or [EMPTY], 1)
        if self.found is None and best[0] not in self._proofs:
            self._prove(best, spare=0)
        if self.found is None and self._allows(1):
            self._insist()

    @property
    def is_cut_short(self) -> bool:
        """Did it end for its many calls, while nothing was proved?"""
        return self.found is None and not self._allows(A_LENGTH + A_WIDENING)

    @property
    def found(self) -> Proof | None:
        """The most general rule that is proved."""
        good = [one.rule for one in self._proofs.values() if self._is_enough(one)]
        return self._proofs[self._tallies.most_general(good, 1)[0]] if good else None

    @property
    def nearest(self) -> Proof:
        """The rule tested that came nearest to being proved; where none was tested, the one that
        looks best by the draws it was compared on, which prove nothing."""
        if self._proofs:
            return max(self._proofs.values(), key=lambda one: one.low)
        best = self._tallies.best(self._tallies.rules or [EMPTY], 1)[0]
        return Proof(best, *self._tallies.counts(best), 0.0)

    @property
    def tested(self) -> int:
        """Rules that were put to the test."""
        return len(self._proofs)

    def _lengthen(self) -> Iterator[None]:
        beam = [EMPTY]
        for _ in range(self._options.max_conditions):
            rules = self._new(rule for stem in beam for rule in self._world.longer(stem))
            if not rules or not self._allows(A_LENGTH + A_WIDENING):
                return
            self._compare(beam, rules)
            yield
            if self._prove(self._promising([*beam, *rules]), self._spare):
                return
            beam = self._tallies.best(rules, self._options.beam)

    def _compare(self, stems: Sequence[Rule], rules: Sequence[Rule]) -> None:
        """All of them in one call; then the better ones again, with more draws each."""
        everyone = [EMPTY, *rules] if EMPTY not in self._tallies else rules
        self._tally(everyone, self._world.survey(stems, everyone, self._round, self._rng))
        kept = self._tallies.best(rules, KEPT)
        self._tally(kept, self._world.fresh(kept, self._round, self._rng))

    def _widen(self) -> bool:
        """Is a rule proved that is more general than the one found?"""
        if self.found is None:
            return False
        known = self.found.rule
        rules = [one for one in self._world.shorter(known) if one not in self._proofs]
        wider = [one for one in dict.fromkeys(rules) if self._tallies.is_wider(one, known)]
        if not wider:
            return False
        self._tally(wider, self._world.fresh(wider, self._round, self._rng))
        return self._prove(self._promising(wider), spare=0)

    def _promising(self, rules: Iterable[Rule]) -> list[Rule]:
        untested = [rule for rule in rules if rule not in self._proofs]
        wished = self._options.precision
        enough = wished + (1 - wished) * MARGIN
        good = [one for one in untested if self._tallies.share(one) >= enough]
        return self._tallies.most_general(good, TESTED)

    def _new(self, rules: Iterable[Rule]) -> list[Rule]:
        return [rule for rule in dict.fromkeys(rules) if rule not in self._tallies]

    def _tally(self, rules: Sequence[Rule], draws: Draws) -> None:
        self._tallies.add(rules, draws, self._ask(draws, self._spare))

    def _prove(self, rules: Sequence[Rule], spare: int) -> bool:
        """Test these rules on draws of their own; is one of them proved?"""
        if not rules:
            return False
        self._test(rules, self._spare, spare)
        return any(self._is_enough(self._proofs[rule]) for rule in rules)

    def _insist(self) -> None:
        wished, doubt = self._options.precision, doubt_of(self._tests, self._options.confidence)
        draws = {one.rule: draws_called_for(one, wished, doubt) for one in self._proofs.values()}
        rule = min(draws, key=lambda one: draws[one])
        if draws[rule] <= self._options.budget:
            self._test([rule], math.ceil(draws[rule]), spare=0)

    def _test(self, rules: Sequence[Rule], draws_each: int, spare: int) -> None:
        draws = self._world.fresh(rules, draws_each * len(rules), self._rng)
        hits = (draws.of & self._ask(draws, spare).agrees).sum(axis=1).tolist()
        for rule, won, of in zip(rules, hits, draws.of.sum(axis=1).tolist(), strict=True):
            doubt = doubt_of(self._tests, self._options.confidence)
            self._proofs[rule] = Proof(rule, won, of, lower_bound(won, of, doubt))
            self._tests += 1

    def _ask(self, draws: Draws, spare: int) -> Seen:
        if not self._agreement.affords(draws, spare):
            raise Spent(self._agreement.cost(draws) + spare)
        return self._agreement.of(draws)

    def _allows(self, calls: int) -> bool:
        return self._agreement.questions + calls <= CALLS

    def _is_enough(self, proof: Proof) -> bool:
        return proof.low >= self._options.precision

    @property
    def _spare(self) -> int:
        """Rows kept back for testing one rule."""
        return proving_draws(self._options.precision)
