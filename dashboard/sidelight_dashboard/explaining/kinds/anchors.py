"""A rule that is enough for the decision, as a sentence."""

from __future__ import annotations

import re

from sidelight_dashboard.explaining.kinds.decisions import decided
from sidelight_dashboard.explaining.kinds.pictures import NEEDED
from sidelight_dashboard.explaining.kinds.texts import runs_of
from sidelight_dashboard.explaining.shown import Json, Shown
from sidelight_dashboard.words.wording import Wording, cut, listed


def shown_anchor(data: Json, wording: Wording) -> Shown:
    """The rule, how often it holds, and whom else it is about."""
    text = data.get("text")
    spans = data.get("spans", ())
    weights = [float(at in data["players"]) for at in range(len(spans))]
    others = "reference rows" if text is None and "segments" not in data else "draws"
    return Shown(
        (
            _rule(data, wording),
            f"The rule applies to {_percent(data['coverage'])} of the {others}.",
        ),
        runs=runs_of(text, spans, weights) if text else (),
        overlay=NEEDED if "segments" in data else "",
        notes=(_drawn(data),),
    )


def _rule(data: Json, wording: Wording) -> str:
    decision = decided(wording, data["output"], data["decision"])
    told = f"{decision} in {_percent(data['precision'])} of the answers"
    conditions = _conditions(data, wording)
    if data["found"]:
        if not conditions:
            return f"Whatever the rest is, {told}: nothing has to hold."
        return f"Whenever {conditions}, {told}."
    if not conditions:
        return "No rule was found that is enough for this answer."
    return (
        "No rule is as certain as was wished. The best that was seen: whenever"
        f" {conditions}, {told}."
    )


def _conditions(data: Json, wording: Wording) -> str:
    words = data["anchor"]
    if not words:
        return ""
    are = "is" if len(words) == 1 else "are"
    if "segments" in data:
        return "what the picture below shows in colour is there"
    if "text" in data:
        return f"{listed([f'“{cut(one)}”' for one in words])} {are} there"
    pairs = zip(data["features"], words, strict=True)
    return listed([condition(wording, feature, one) for feature, one in pairs])


def condition(wording: Wording, name: str, words: str) -> str:
    """``RELP = 16`` or ``21 < AGEP <= 42`` by the glossary."""
    value = words.removeprefix(f"{name} = ")
    if value != words:
        return wording.pair(name, value)
    if words == f"{name} is null":
        return wording.pair(name, None)
    around = rf"(?<!\S){re.escape(name)}(?!\S)"
    return re.sub(around, lambda _: wording.column(name), words, count=1)


def _drawn(data: Json) -> str:
    return (
        f"Tried on {data['draws']:,} fresh draws ({cut(data['distribution'])}): at least"
        f" {_percent(data['precision_low'])} with {_percent(data['confidence'])} confidence."
    )


def _percent(share: float) -> str:
    """Without rounding up to all: 99.97 % stays below 100 %."""
    told = f"{100 * share:.1f}"
    return "over 99.9 %" if told == "100.0" and share < 1 else f"{told.removesuffix('.0')} %"
