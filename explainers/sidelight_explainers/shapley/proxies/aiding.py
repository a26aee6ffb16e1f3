"""One snapshot's help for one explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sidelight_explainers.games.tabular import TabularGame
from sidelight_explainers.shapley.asked import Asked
from sidelight_explainers.shapley.permutations import Chains
from sidelight_explainers.shapley.proxies.combining import Combined, Proxied
from sidelight_explainers.shapley.proxies.numbers import Floats, Numbers
from sidelight_explainers.shapley.proxies.snapshot import Proxy, Snapshot


@dataclass(frozen=True, eq=False)
class Aide:
    """What `snapshot` can say of a game of single features; to be asked when the model has
    answered first, which shows whether it is still the model that was learnt from."""

    snapshot: Snapshot
    numbers: Numbers
    game: TabularGame

    @property
    def seed(self) -> int:
        """Part of what orders are drawn from: a proxy must not have learnt from the very rows that
        it is held against, which the orders of an equal request were."""
        return self.snapshot.seed

    def settled(self, asked: Asked) -> Aid | str:
        """The help, or why there is none."""
        proxy = self.snapshot.proxies.get(asked.output)
        if asked.model != self.snapshot.model:
            return "the model has changed"
        if proxy is None:
            return f"nothing was learnt of output {asked.output!r}"
        palette = self.numbers.table(self.game.mix.palette)
        row, background = palette[-1:], palette[:-1]
        shares = [proxy.shares(row, background[half::2]) for half in (0, 1) if len(background) > 1]
        exact = [one[self.game.playing] for one in shares if one is not None]
        if len(exact) < 2:
            return "the proxy's own values cannot be told for these background rows"
        return Aid(self.game, palette, proxy, np.array(exact), self.snapshot.id)


@dataclass(frozen=True, eq=False)
class Aid:
    """A proxy that fits the question: its exact `shares` (2, p), and the `palette` of rows."""

    game: TabularGame
    palette: Floats
    proxy: Proxy
    shares: Floats
    snapshot: str

    def about(self, asked: Asked, chains: Chains) -> Proxied | None:
        """None while some background row has no chain."""
        if len(np.unique(chains.background)) < self.game.size:
            return None
        plan, rows = asked.plan, len(chains) * (self.game.players + 1)
        first = plan.needed.first[: plan.needed.among(rows)]
        sources = self.game.sources(plan.masks[first], plan.background[first])
        table = np.take_along_axis(self.palette, sources, axis=0)
        return Proxied(self.proxy.outputs(table)[plan.needed.inverse[:rows]], self.shares)

    def fact(self, found: Combined) -> dict[str, Any]:
        coefficients = list(found.coefficients)
        return {"snapshot": self.snapshot, "rows": self.proxy.rows, "coefficients": coefficients}
