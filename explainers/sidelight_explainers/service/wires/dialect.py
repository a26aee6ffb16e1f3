"""What tells one protocol from another: how requests are read and answers written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import Response

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.asked import Decode
from sidelight_explainers.service.planning import Plan
from sidelight_explainers.service.showing import picture, picture_wanted

Encode = Callable[[Plan, Sequence[Explanation]], Response]


@dataclass(frozen=True)
class Dialect:
    """A protocol over HTTP."""

    decode: Decode
    encode: Encode

    def answer(self, plan: Plan, explanations: Sequence[Explanation], accept: str) -> Response:
        """The explanations in the protocol's form, or as the picture that `accept` prefers."""
        kind = picture_wanted(accept)
        if kind is not None:
            return picture(explanations, kind)
        return self.encode(plan, explanations)
