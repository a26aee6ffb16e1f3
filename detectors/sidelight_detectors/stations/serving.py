"""Starts the stations beside the service's own detectors, when any is configured."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from prometheus_client import CollectorRegistry

from sidelight.config.settings import Settings
from sidelight.log import Log
from sidelight_detectors.alibi.metrics import AlibiCollector
from sidelight_detectors.flips.metrics import FlipCollector
from sidelight_detectors.stations.metrics import StationCollector
from sidelight_detectors.stations.opening import open_teams
from sidelight_detectors.stations.team import Team


@contextmanager
def stations_at_work(
    settings: Settings, log: Log, registry: CollectorRegistry, stop: threading.Event
) -> Iterator[None]:
    """A thread for each team until the block ends; what breaks one stops the service and is raised.

    Where no model has a station there are neither threads nor metrics.
    """
    with ExitStack() as closing:
        opened = open_teams(settings, log, closing)
        teams = [Team(name, log, made, settings.detectors, stop) for name, made in opened]
        if teams:
            _register(teams, registry)
        with _running(teams, stop):
            yield


def _register(teams: Sequence[Team], registry: CollectorRegistry) -> None:
    pairs = [pair for team in teams for pair in team.pairs]
    registry.register(StationCollector(pairs))
    registry.register(AlibiCollector(pairs))
    registry.register(FlipCollector(pairs))


@contextmanager
def _running(teams: Sequence[Team], stop: threading.Event) -> Iterator[None]:
    failed: list[BaseException] = []
    threads = [
        threading.Thread(target=_run, args=(team, stop, failed), name=team.name) for team in teams
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]


def _run(team: Team, stop: threading.Event, failed: list[BaseException]) -> None:
    try:
        team.run()
    except BaseException as exc:  # It ends the thread either way; the process must hear of it.
        failed.append(exc)
        stop.set()
