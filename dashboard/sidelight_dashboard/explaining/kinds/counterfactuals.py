"""What would have to be different for another decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sidelight_dashboard.explaining.kinds.decisions import answer_words
from sidelight_dashboard.explaining.shown import Cell, Json, Shown, Table
from sidelight_dashboard.words.wording import Wording, listed


def shown_counterfactuals(data: Json, wording: Wording) -> Shown:
    """The nearest way in a sentence, all of them in a table of changes."""
    ways = data["counterfactuals"]
    output = wording.column(data["output"])
    answer = answer_words(wording, data["output"], data["decision"], data["prediction"])
    now = f"The answer now: {output} is {answer}."
    if not ways:
        return Shown((now, f"No row was found for which it is {data['wanted']}."))
    return Shown(
        (_sentence(data["output"], ways[0], wording), now),
        tables=(Table("What would have to change", _titles(ways), _rows(data, ways, wording)),),
        notes=(
            "Distance is in spreads of the reference, 1 for another category. Plausibility is the"
            " share of reference rows that lie farther from their neighbours: near 0 % the changed"
            " row is unlike any that was seen.",
        ),
    )


def _sentence(output: str, way: Json, wording: Wording) -> str:
    changes = [
        f"{wording.pair(one['feature'], one['after'])} instead of"
        f" {wording.value(one['feature'], one['before'])}"
        for one in way["changes"]
    ]
    answer = answer_words(wording, output, way["decision"], way["score"])
    return f"With {listed(changes)}, {wording.column(output)} would be {answer}."


def _titles(ways: Sequence[Json]) -> tuple[str, ...]:
    more = [f"way {at}" for at in range(1, len(ways) + 1)] if len(ways) > 1 else ["instead"]
    return ("", "now", *more)


def _rows(data: Json, ways: Sequence[Json], wording: Wording) -> tuple[tuple[Cell, ...], ...]:
    before = {one["feature"]: one["before"] for way in ways for one in way["changes"]}
    changed = (_row(name, value, ways, wording) for name, value in before.items())
    return (*changed, *_ends(data, ways, wording))


def _row(name: str, before: Any, ways: Sequence[Json], wording: Wording) -> tuple[Cell, ...]:
    after = [{one["feature"]: one["after"] for one in way["changes"]} for way in ways]
    cells = (
        Cell(wording.value(name, told[name]), True) if name in told else Cell("as it is")
        for told in after
    )
    return (Cell(wording.column(name)), Cell(wording.value(name, before)), *cells)


def _ends(data: Json, ways: Sequence[Json], wording: Wording) -> Iterator[tuple[Cell, ...]]:
    answers = [(data["decision"], data["prediction"])]
    answers += [(way["decision"], way["score"]) for way in ways]
    told = (Cell(answer_words(wording, data["output"], *one)) for one in answers)
    yield (Cell("answer"), *told)
    yield (Cell("distance"), Cell(""), *(Cell(f"{way['distance']:.3g}") for way in ways))
    shares = (Cell(f"{100 * way['plausibility']:.0f} %") for way in ways)
    yield (Cell("plausibility"), Cell(""), *shares)
