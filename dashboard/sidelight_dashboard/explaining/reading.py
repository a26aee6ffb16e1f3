"""From the JSON of an explanation to what is shown of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sidelight_dashboard.explaining.hiding import WITHHELD
from sidelight_dashboard.explaining.kinds.anchors import shown_anchor
from sidelight_dashboard.explaining.kinds.attributions import shown_attributions
from sidelight_dashboard.explaining.kinds.counterfactuals import shown_counterfactuals
from sidelight_dashboard.explaining.kinds.examples import shown_examples
from sidelight_dashboard.explaining.kinds.heatmaps import shown_heatmap
from sidelight_dashboard.explaining.kinds.others import shown_other
from sidelight_dashboard.explaining.shown import Json, Shown
from sidelight_dashboard.words.numbers import counted
from sidelight_dashboard.words.wording import Wording

_KINDS: Mapping[str, Callable[[Json, Wording], Shown]] = {
    "anchor": shown_anchor,
    "attributions": shown_attributions,
    "counterfactuals": shown_counterfactuals,
    "examples": shown_examples,
    "heatmap": shown_heatmap,
}

_STOPPED = {
    "accurate": "it stopped because it was accurate enough",
    "budget": "it stopped because its budget was spent",
    "deadline": "it stopped because its time was over",
}


def shown(explanation: Json, wording: Wording) -> Shown:
    """By the kind of its content; a table of what another release tells in another form."""
    data = explanation["data"]
    try:
        return _KINDS.get(data.get("content", ""), shown_other)(data, wording)
    except (IndexError, KeyError, TypeError, ValueError):
        return shown_other(data, wording)


def quality(explanation: Json) -> tuple[str, ...]:
    """What it cost and why it ended, in sentences."""
    data = explanation["data"]
    withheld = ("What redacted columns do is not shown.",) if data.get(WITHHELD) else ()
    return (*withheld, *_quality(data.get("quality", {})))


def share_done(explanation: Json) -> float | None:
    """How much of its budget a partial explanation has spent, in [0, 1]."""
    told = explanation["data"].get("quality", {})
    budget = told.get("budget")
    return min(told["rows"] / budget, 1.0) if budget else None


def _quality(told: Json) -> Iterator[str]:
    if not told:
        return
    yield (
        f"It needed {counted(told['rows'], 'row')} answered, of {told['budget']:,} allowed"
        f" ({told['cached']:,} were known from before), in {counted(told['calls'], 'call')} of the"
        f" model and {told['seconds']:.2g} s; {_STOPPED.get(told['stopped'], told['stopped'])}."
    )
    if versions := told.get("model_versions"):
        yield (
            f"Several versions of the model answered in turns ({', '.join(versions)}):"
            " this explains none of them."
        )
