"""What the templates of alarms are filled with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from sidelight_dashboard.alarms import words
from sidelight_dashboard.alarms.deliveries import deliveries
from sidelight_dashboard.alarms.figures import drawable
from sidelight_dashboard.alarms.links import Links
from sidelight_dashboard.alarms.measured import measured
from sidelight_dashboard.alarms.naming import cleared_because, runbook_of, title_of
from sidelight_dashboard.alarms.one import OneAlarm
from sidelight_dashboard.alarms.sizes import Size
from sidelight_dashboard.alarms.told import Alarm, Search, offered
from sidelight_dashboard.links import query
from sidelight_dashboard.outliers.flaggers import configured
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording

Shown = dict[str, Any]


def list_shown(showing: Showing, search: Search, alarms: Sequence[Alarm]) -> Shown:
    asked: dict[str, str | int] = {
        "model": search.model,
        "version": search.version,
        "detector": search.detector,
        "state": search.state,
    }
    return {
        "search": search,
        "offered": offered(showing.store),
        "is_filtered": any(asked.values()),
        "query": lambda **more: query(**(asked | more)),
        "measured": measured(showing, alarms),
        "title_of": title_of,
        "cleared_because": cleared_because,
    }


def one_shown(showing: Showing, told: OneAlarm) -> Shown:
    alarm = told.alarm
    model = showing.settings.models.get(alarm.model)
    sizes = _with_evidence(told)
    return {
        "told": told,
        "alarm": alarm,
        "links": Links(told, showing.settings.dashboard.runbooks),
        "headline": words.headline(told.sizes),
        "evidence": words.evidence_words(alarm),
        "deliveries": deliveries(showing.store, alarm.id),
        "sizes": sizes,
        "has_evidence": any(evidence is not None for _, evidence in sizes),
        "has_flagger": model is not None and bool(configured(model)),
        "drawn": drawable(told.sizes),
        "because": partial(words.because, wording=_wording(showing, alarm.model)),
        "ratio_words": words.ratio_words,
        "size_amount": words.amount,
        "allowed_words": words.allowed_words,
        "title_of": title_of,
        "runbook_of": runbook_of,
        "cleared_because": cleared_because,
    }


def _with_evidence(told: OneAlarm) -> list[tuple[Size, float | None]]:
    """Each size with what its column alone spoke for the alarm, where a suspect says so."""
    by_columns: dict[tuple[str, tuple[str, ...]], float | None] = {
        (one.segment, (one.column,)): one.evidence for one in told.alarm.suspects
    }
    return [(one, by_columns.get((one.segment, one.columns))) for one in told.sizes]


def _wording(showing: Showing, model: str) -> Wording:
    known = showing.settings.models.get(model)
    return Wording(known.glossary if known else {})
