"""What the page's template is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sidelight.panes import Column
from sidelight_dashboard.drift import windows, words
from sidelight_dashboard.drift.comparisons import Comparisons
from sidelight_dashboard.drift.jointly import jointly
from sidelight_dashboard.drift.links import Links, Shown
from sidelight_dashboard.drift.told import course, drift
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording


def told_on_page(showing: Showing, asked: Shown) -> dict[str, Any]:
    """All of it; the column asked for, else the one that changed most, is told in full."""
    comparisons = Comparisons(showing, asked)
    found = drift(comparisons)
    feature = found.column(asked.feature)
    shown = replace(asked, feature=feature.name if feature else asked.feature, rows=found.rows)
    return {
        "chosen": asked.chosen,
        "told": found,
        "feature": feature,
        "jointly": () if asked.against else jointly(showing, asked.chosen),
        "others": windows.compared_with(showing.store, asked.chosen),
        "shown": shown,
        "links": Links(shown),
        "say": words,
        **_settings(showing, asked.chosen.model),
        **_over_time(showing, shown),
        **_values(comparisons, shown),
    }


def _settings(showing: Showing, model: str) -> dict[str, Any]:
    drift = showing.settings.models[model].detectors.drift
    return {
        "is_watched": drift is not None,
        "window_rows": 0 if drift is None or drift.window_seconds else drift.window,
        "evidence_rule": drift.alarm.rule if drift else "",
    }


def _over_time(showing: Showing, shown: Shown) -> dict[str, Any]:
    store, against = showing.store, shown.against
    around = windows.with_context(store, shown.chosen, against)
    judged = windows.windows(store, around, against) if shown.measure == "evidence" else []
    return {
        "points": course(showing, around, against, shown.feature),
        "judged": judged,
        "has_evidence": any(one.evidence is not None for one in judged),
        "is_wider": around != shown.chosen,
    }


def _values(comparisons: Comparisons, shown: Shown) -> dict[str, Any]:
    compared = comparisons.holding(shown.feature, shown.rows)
    column = compared.column(shown.feature) if compared else None
    if column is None:
        return {"column": None, "compared": compared}
    wording = Wording(comparisons.showing.settings.models[shown.chosen.model].glossary)
    return {
        "column": column,
        "compared": compared,
        "bars": list(zip(words.bar_names(column, wording), column.bars, strict=True)),
        "gained": _coded(wording, column, column.gained),
        "lost": _coded(wording, column, column.lost),
    }


def _coded(wording: Wording, column: Column, categories: tuple[str, ...]) -> list[str]:
    return [wording.coded(column.name, one) for one in categories]
