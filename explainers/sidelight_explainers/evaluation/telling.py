"""An evaluation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight_explainers.evaluation.evaluating import Evaluation
from sidelight_explainers.evaluation.stability import TOP
from sidelight_explainers.pictures.wording import counted, number, percent


def evaluation_text(found: Evaluation) -> str:
    """A line a measure, with what is good."""
    lines = list(_lines(found))
    width = max(len(name) for name, _, _ in lines)
    room = max(len(value) for _, value, _ in lines)
    told = (f"{name:<{width}}  {value:>{room}}  {good}" for name, value, good in lines)
    asked = f"Asked for this: {counted(found.rows, 'row')} in {counted(found.calls, 'call')}."
    return "\n".join(("How good it is", *told, asked))


def _lines(found: Evaluation) -> Iterator[tuple[str, str, str]]:
    usual = number(found.removal.random)
    yield "deletion", number(found.removal.deletion), f"area; lower than {usual}, of random orders"
    yield "insertion", number(found.removal.insertion), f"area; higher than {usual}"
    yield "not foretold", _share(found.infidelity.share), "of what equal amounts would miss; near 0"
    yield "seed to seed", _share(found.stability.spread), "of the amounts; near 0"
    yield f"same top {TOP}", _share(found.stability.top), "from seed to seed; near 100 %"
    yield "close by", _share(found.max_sensitivity), "change on rows close by at most; small"


def _share(share: float | None) -> str:
    return "-" if share is None else percent(share)
