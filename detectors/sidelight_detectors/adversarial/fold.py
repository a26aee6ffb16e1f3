"""The decider's memory of queries: finds runs of near ones, and follows them to their end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.episodes import Episode, ball_around, centre_of
from sidelight_detectors.adversarial.memory import Memory, Sightings
from sidelight_detectors.adversarial.search import Normal, Run, Search
from sidelight_detectors.adversarial.telling import NAME, alarm_of, result_of
from sidelight_detectors.adversarial.trail import prints_of
from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming.folds import Traced, Watched
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.trace import Trace

Ints = NDArray[np.int64]

BLOCK = 256
"""Queries that are looked at together."""

MAX_EPISODES = 64
"""Episodes that are open or still in memory; more are not told apart from silence, but counted."""


@dataclass(frozen=True)
class Rules:
    """When a run is an attack, and when it is over."""

    memory: int
    memory_ns: int
    quiet_ns: int
    least: int
    log_threshold: float


class Seen(NamedTuple):
    """A pane that holds queries: its offset, the first of them, the clock before it."""

    pane: int
    serial: int
    clock: int


class Attacks:
    """The fold of one model (`sidelight_detectors.streaming.folds`).

    `episodes` are those that are open, and closed ones whose queries are still in memory. `told`
    counts all of them, `crowded` those that there was no room for, `queries` what was looked at.
    """

    def __init__(self, watched: Watched, normal: Normal, rules: Rules) -> None:
        self.memory = Memory(normal.tables, rules.memory, rules.memory_ns)
        self.episodes: list[Episode] = []
        self.told = self.crowded = self.queries = 0
        self._watched = watched
        self._sample = normal.sample
        self._rules = rules
        self._search = Search(normal, self.memory, rules.log_threshold, rules.least)
        self._panes: deque[Seen] = deque()

    def accept(self, traced: Traced) -> Iterator[Output]:
        for fresh in self._taken(traced):
            self._follow(fresh)
            for run in self._search.runs(fresh):
                yield from self._open(run)
        yield from self._tell(max(self.memory.clock, traced.watermark_ns))

    def remember(self, traced: Traced) -> None:
        for fresh in self._taken(traced):
            self._owned(fresh)

    @property
    def needs_from(self) -> int | None:
        return self._panes[0].pane if self._panes else None

    def close(self) -> Iterator[Output]:
        for episode in self.episodes:
            if episode.is_open:
                yield from self._end(episode)

    def saved(self) -> dict[str, Any]:
        known = [one.saved() for one in self.episodes]
        return {
            "raised": [[one.version, one.id] for one in self.episodes if one.is_open],
            "begin": self._panes[0] if self._panes else None,
            "episodes": known,
            "told": self.told,
            "crowded": self.crowded,
            "queries": self.queries,
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.episodes = list(map(Episode.restored, saved["episodes"]))
        self.told, self.crowded = saved["told"], saved["crowded"]
        self.queries = saved["queries"]
        if saved["begin"] is not None:
            begin = Seen(*saved["begin"])
            self.memory.begin_at(begin.serial, begin.clock)

    @property
    def open(self) -> list[Episode]:
        return [one for one in self.episodes if one.is_open]

    def _taken(self, traced: Traced) -> Iterator[Ints]:
        """Blocks of the queries of a pane that are fresh, each counted when the next is asked."""
        trace = traced.trace
        trail = trace.trails.get(NAME)
        if trail is None or not len(trail):
            return
        prints, sightings = prints_of(trail), _sightings(trace)
        self._panes.append(Seen(traced.pane, self.memory.end, self.memory.clock))
        clock = max(self.memory.clock, int(trace.exchanges.time_ns.max()))
        for start in range(0, len(prints), BLOCK):
            block = slice(start, start + BLOCK)
            part = Prints(prints.identity[block], prints.places[block])
            yield self.memory.append(part, sightings.take(block), clock)
        self._forget()

    def _forget(self) -> None:
        """Panes that are not needed to know which of the remembered queries are fresh."""
        memory, rules = self.memory, self._rules
        oldest, until = memory.end - 2 * rules.memory, memory.clock - 2 * rules.memory_ns
        while len(self._panes) > 1 and (
            self._panes[1].serial <= oldest or self._panes[1].clock <= until
        ):
            self._panes.popleft()
        kept = memory.begin
        self.episodes = [one for one in self.episodes if one.is_open or one.last >= kept]

    def _owned(self, fresh: Ints) -> list[tuple[Episode, Ints]]:
        """Gives queries to their episodes, counts the others; what each open episode got."""
        flat, left = self.memory.flat(fresh), np.ones(len(fresh), bool)
        given: list[tuple[Episode, Ints]] = []
        for episode in self.episodes:
            met = episode.meet(flat, fresh) & left
            if met.any():
                left &= ~met
                given.append((episode, fresh[met]))
        self.memory.count(fresh[left])
        return given

    def _follow(self, fresh: Ints) -> None:
        self.queries += len(fresh)
        for episode, serials in self._owned(fresh):
            self._join(episode, serials)
            least = max(2, self._rules.least // 2)
            episode.learn(self.memory.flat(serials), self.memory.end, least)

    def _join(self, episode: Episode, serials: Ints) -> None:
        seen = self.memory.sightings(serials)
        for place, time_ns, client in zip(
            _places(seen), seen.time_ns.tolist(), seen.client, strict=True
        ):
            episode.note(place, time_ns, client)
        episode.last, episode.clock = int(serials[-1]), self.memory.clock

    def _open(self, run: Run) -> Iterator[Output]:
        if len(self.episodes) >= MAX_EPISODES:
            self.crowded += 1
            return
        flat = self.memory.flat(run.serials)
        ball = ball_around(flat, self._sample)
        seen = self.memory.sightings(run.serials)
        centre = centre_of(flat)
        target = _places(seen)[centre]
        self.told += 1
        episode = Episode(
            digest("attack", self._watched.model, self._watched.plan, *map(str, target), self.told),
            str(seen.version[centre]),
            target,
            ball.agree,
            run.evidence,
            self._rules.log_threshold,
            run.expected,
            dict.fromkeys(ball.places.tolist(), 0),
            opened=self.memory.end,
            first_ns=int(seen.time_ns.min()),
        )
        counting = self.memory.counting()
        own = counting[episode.meet(self.memory.flat(counting), counting)]
        self.memory.drop(own)
        self._join(episode, own)
        episode.first_ns = int(self.memory.sightings(own).time_ns.min())
        episode.told = episode.count
        self.episodes.append(episode)
        yield result_of(self._watched, episode)
        yield alarm_of(self._watched, episode, "raised", "near queries", self.queries)

    def _tell(self, clock: int) -> Iterator[Output]:
        """News of open episodes: they grew to twice what was told, or they are over."""
        for episode in self.open:
            gone = episode.last < self.memory.begin
            if gone or clock - episode.clock >= self._rules.quiet_ns:
                yield from self._end(episode)
            elif episode.count >= 2 * episode.told:
                episode.told = episode.count
                yield result_of(self._watched, episode)

    def _end(self, episode: Episode) -> Iterator[Output]:
        episode.closed = self.memory.end - 1
        yield result_of(self._watched, episode)
        yield alarm_of(self._watched, episode, "cleared", "quiet", self.queries)


def _sightings(trace: Trace) -> Sightings:
    exchanges, owner = trace.exchanges, trace.owner
    names = (np.array(list(texts), object) for texts in (trace.versions, trace.clients))
    version, client = (
        texts[numbers[owner]]
        for texts, numbers in zip(names, (exchanges.version, exchanges.client), strict=True)
    )
    partition = np.full(len(owner), trace.partition, np.int32)
    found = (exchanges.offset[owner], trace.row.astype(np.int64), exchanges.time_ns[owner])
    return Sightings(partition, *found, version, client)


def _places(seen: Sightings) -> list[tuple[str, int]]:
    found = zip(seen.partition.tolist(), seen.offset.tolist(), seen.row.tolist(), strict=True)
    return [(str(Address(INFERENCE, partition, at)), row) for partition, at, row in found]
