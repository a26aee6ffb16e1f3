"""What every explanation has: whom it is about, what it says, how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sidelight import __version__
from sidelight.config.glossary import GlossaryEntry
from sidelight_explainers.contents.content import Content
from sidelight_explainers.quality import Quality

Box = Literal["blackbox", "whitebox"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One answer to 'why?'.

    `params` are the options that were in force; `box` is whether the model was asked (black) or
    read (white). `meta` is what another library says in place of any of this. `glossary` has words
    for whoever shows it to people.
    """

    model: str
    method: str
    params: Mapping[str, Any]
    content: Content
    quality: Quality
    box: Box = "blackbox"
    meta: Mapping[str, Any] = field(default_factory=dict)
    glossary: Mapping[str, GlossaryEntry] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The explanation as JSON values, in alibi's two parts: `meta` (how) and `data` (what)."""
        return {
            "meta": {
                "name": self.method,
                "type": [self.box],
                "explanations": [self.content.scope],
                "params": dict(self.params),
                "version": __version__,
                **self.meta,
            },
            "data": {
                "model": self.model,
                "content": self.content.kind,
                **self.content.to_json(),
                "quality": self.quality.to_json(),
            },
        }
