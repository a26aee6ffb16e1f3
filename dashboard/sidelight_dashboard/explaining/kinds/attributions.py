"""What moved the output, and how far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_dashboard.explaining.kinds.pictures import TINTED, places_of
from sidelight_dashboard.explaining.kinds.texts import runs_of
from sidelight_dashboard.explaining.shown import Bar, Bars, Json, Shown
from sidelight_dashboard.words.numbers import answer_words, moved_words
from sidelight_dashboard.words.wording import Wording, listed, value_words

MOST_TOLD = 3
UNSTEADY = 1e-3
"""A gap that is a larger share of what is explained is told of."""


def shown_attributions(data: Json, wording: Wording) -> Shown:
    """Bars, with the words of a text in place; of a picture its overlay."""
    text, players = data.get("text"), data["attributions"]
    pairs = zip(_labels(data, wording), players, strict=True)
    bars = tuple(
        Bar(label, one["contribution"], one["low"], one["high"])
        for label, one in sorted(pairs, key=lambda pair: -abs(pair[1]["contribution"]))
    )
    adds_up = data["additivity_gap"] is not None
    base, prediction = (data["base_value"], data["prediction"]) if adds_up else (None, None)
    output = wording.column(data["output"])
    runs = runs_of(text, data["spans"], [one["contribution"] for one in players]) if text else ()
    return Shown(
        tuple(_sentences(data, bars, output)),
        Bars(bars, output, base, prediction),
        runs,
        overlay=TINTED if "segments" in data else "",
        notes=tuple(_notes(data)),
    )


def _labels(data: Json, wording: Wording) -> list[str]:
    """``age = 37``; of a text the word alone, of a picture where the region is."""
    players = data["attributions"]
    if "text" in data:
        return [f"“{value_words(one['value'])}”" for one in players]
    if "segments" in data:
        return places_of(data["segments"], len(players))
    return [wording.pair(one["feature"], one["value"]) for one in players]


def _sentences(data: Json, bars: Sequence[Bar], output: str) -> Iterator[str]:
    yield f"The answer: {output} = {answer_words(data['prediction'])}."
    if data["additivity_gap"] is not None:
        yield f"{_base(data)} it is {answer_words(data['base_value'])}."
    for verb, sign in (("raised", 1), ("lowered", -1)):
        moved = [bar for bar in bars if bar.amount * sign > abs(bars[0].amount) / 10][:MOST_TOLD]
        if moved:
            told = [f"{one.label} ({moved_words(one.amount, bars[0].amount)})" for one in moved]
            yield f"What {verb} it most: {listed(told)}."


def _base(data: Json) -> str:
    if "text" in data:
        return "With every word hidden"
    if "segments" in data:
        return "With every region hidden"
    return f"On average over {data['background_rows']:,} rows of the reference"


def _notes(data: Json) -> Iterator[str]:
    known = {
        "exact": "The amounts are exact.",
        "reliable": "The ranges are 95 % intervals.",
        "unreliable": "The ranges may be too narrow: too few rows were asked. Raise the budget.",
    }
    if data["interval"] in known:
        yield known[data["interval"]]
    gap = data["additivity_gap"]
    if gap is None:
        yield "Each amount stands for itself: they do not add up to the answer."
    elif abs(gap) > max(abs(data["prediction"] - data["base_value"]), 1e-9) * UNSTEADY:
        yield f"The amounts miss the answer by {gap:.2g}: the model is not steady."
