"""A word for each aspect of a model version, from alarms, freshness and what detectors say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sidelight.config.settings import ModelSettings
from sidelight_dashboard.alarms.told import Alarm
from sidelight_dashboard.links import page_of, query
from sidelight_dashboard.overview.alarmed import alarms_status, of_aspect
from sidelight_dashboard.overview.saying import Said
from sidelight_dashboard.overview.status import ASPECTS, Aspect, Status, together
from sidelight_dashboard.overview.watched import aspects_watched
from sidelight_dashboard.words.wording import Wording

Statuses = dict[Aspect, Status]


def statuses_of(
    model: str,
    settings: ModelSettings,
    alarms: Sequence[Alarm],
    fresh: Status,
    said: Sequence[Said],
) -> Statuses:
    """An alarm stands whatever else there is; without fresh rows nothing else is known."""
    watched, wording = aspects_watched(settings), Wording(settings.glossary)
    found: Statuses = {}
    for aspect in ASPECTS:
        raised = of_aspect(alarms, aspect)
        judged = [status for of, status in said if of == aspect]
        if raised:
            found[aspect] = alarms_status(raised, wording)
        elif aspect == "freshness":
            found[aspect] = fresh if watched else Status("not watched", "")
        elif aspect not in watched:
            found[aspect] = Status("not watched", _how_to_watch(model, aspect))
        elif fresh.word == "NO DATA":
            found[aspect] = fresh
        else:
            found[aspect] = together(judged) if judged else _nothing_yet(aspect)
    return found


def paged(statuses: Statuses, model: str, version: str) -> Statuses:
    """With the pages that explain them, where they have none of their own."""
    return {aspect: _paged(status, aspect, model, version) for aspect, status in statuses.items()}


def _paged(status: Status, aspect: Aspect, model: str, version: str) -> Status:
    if status.page or status.word == "not watched" or aspect == "freshness":
        return status
    return replace(status, page=page_of(model, aspect, query(version=version)))


def _nothing_yet(aspect: Aspect) -> Status:
    why = f"{aspect.capitalize()}: nothing has been judged yet; the first window is not full."
    return Status("NO DATA", why)


def _how_to_watch(model: str, aspect: Aspect) -> str:
    detector = {"outliers": "outlier", "attacks": "adversarial"}.get(aspect, aspect)
    return f"Set models.{model}.detectors.{detector} to have it watched."
