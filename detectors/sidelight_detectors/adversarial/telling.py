"""Episodes as results and alarms."""

from __future__ import annotations

from sidelight.log import Address
from sidelight_detectors.adversarial.episodes import Episode, Place
from sidelight_detectors.alarms.rule import Change
from sidelight_detectors.results.findings import About, Alarm, AttackResult, Query
from sidelight_detectors.streaming.folds import Watched
from sidelight_detectors.streaming.identity import digest

NAME = "adversarial"
"""Of the detector, its trail and its results."""


def result_of(watched: Watched, episode: Episode, promise: str) -> AttackResult:
    """How far it is by now."""
    over = episode.is_over
    return AttackResult(
        digest(NAME, episode.id, str(episode.count), str(over)),
        _about(watched, episode),
        NAME,
        episode.id,
        _query(episode.target),
        tuple(map(_query, episode.queries)),
        episode.count,
        episode.expected,
        tuple(episode.clients.most_common()),
        episode.evidence,
        episode.threshold,
        episode.first_ns,
        episode.last_ns,
        over,
        promise,
    )


def alarm_of(result: AttackResult, change: Change, reason: str, seen: int) -> Alarm:
    """Raised when it was found, cleared when it is over; `seen` queries were looked at."""
    return Alarm(
        result.episode if change == "raised" else digest("alarm", result.episode, change),
        result.about,
        NAME,
        change,
        reason,
        result.episode,
        result.last_ns,
        result.evidence,
        result.threshold,
        result=result,
        rows_seen=seen,
    )


def _about(watched: Watched, episode: Episode) -> About:
    return About(watched.model, episode.version, watched.plan)


def _query(place: Place) -> Query:
    address, row = place
    return Query(Address.parse(address), row)
