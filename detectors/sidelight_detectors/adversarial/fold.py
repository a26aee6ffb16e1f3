"""The decider's memory of queries: finds runs of near ones, and follows them to their end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.adversarial.balls import Ball, ball_around, centre_of
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.episodes import Episode, Query
from sidelight_detectors.adversarial.memory import Memory, Sightings
from sidelight_detectors.adversarial.search import Normal, Rules, Run, Search
from sidelight_detectors.adversarial.telling import NAME, alarm_of, result_of
from sidelight_detectors.adversarial.trail import prints_of
from sidelight_detectors.alarms.rule import Change
from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming.folds import Traced, Watched
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.trace import Trace

Ints = NDArray[np.int64]

BLOCK = 256
"""Queries that are looked at together."""

MAX_EPISODES = 64
"""Episodes that are open or still in memory; more are not told apart from silence, but counted."""


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
        self._search = Search(normal, self.memory, rules)
        self._panes: deque[Seen] = deque()
        self._restored: Seen | None = None

    def accept(self, traced: Traced) -> Iterator[Output]:
        for fresh in self._taken(traced):
            self._follow(fresh)
            for run in self._search.runs(fresh):
                yield from self._found(run)
        yield from self._tell(max(self.memory.clock, traced.watermark_ns))

    def remember(self, traced: Traced) -> None:
        for fresh in self._taken(traced):
            self._owned(fresh)

    @property
    def needs_from(self) -> int | None:
        return self._begin.pane if self._begin else None

    @property
    def _begin(self) -> Seen | None:
        """The oldest pane that is needed; the snapshot's until panes are remembered."""
        return self._panes[0] if self._panes else self._restored

    def close(self) -> Iterator[Output]:
        for episode in self.episodes:
            if episode.is_open:
                yield from self._end(episode)

    def saved(self) -> dict[str, Any]:
        known = [one.saved() for one in self.episodes]
        return {
            "raised": [[one.version, one.id] for one in self.episodes if one.is_open],
            "begin": list(self._begin) if self._begin else None,
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
            self._restored = Seen(*saved["begin"])
            self.memory.begin_at(self._restored.serial, self._restored.clock)

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
        left, given = fresh, []
        for episode in self.episodes:
            if not len(left):
                break
            met = episode.meet(self.memory.flat(left), left)
            if met.any():
                given.append((episode, left[met]))
                left = left[~met]
        self.memory.count(left)
        return given

    def _follow(self, fresh: Ints) -> None:
        self.queries += len(fresh)
        for episode, serials in self._owned(fresh):
            self._join(episode, serials)

    def _join(self, episode: Episode, serials: Ints) -> None:
        if not len(serials):
            return
        seen = self.memory.sightings(serials)
        asked = zip(
            serials.tolist(), _places(seen), seen.time_ns.tolist(), seen.client, strict=True
        )
        episode.note([Query(*one) for one in asked])
        episode.last = max(episode.last, int(serials[-1]))
        episode.clock = self.memory.clock
        episode.balls[-1].learn(self.memory.flat(serials), self.memory.end, self._sample)

    def _found(self, run: Run) -> Iterator[Output]:
        """A run of near queries: an episode goes on there, or it is a new one."""
        flat = self.memory.flat(run.serials)
        ball = ball_around(flat, self._sample)
        before = next((one for one in self.open if one.goes_on_in(flat, self._sample)), None)
        if before is not None:
            before.balls.append(ball)
            self._claim(before)
        elif len(self.episodes) < MAX_EPISODES:
            yield from self._open(run, flat, ball)
        else:
            self.crowded += 1

    def _open(self, run: Run, flat: Ints, ball: Ball) -> Iterator[Output]:
        seen = self.memory.sightings(run.serials)
        centre = centre_of(flat)
        target = _places(seen)[centre]
        self.told += 1
        names = (self._watched.model, self._watched.plan, *map(str, target), str(self.told))
        episode = Episode(
            digest("attack", *names),
            str(seen.version[centre]),
            target,
            run.evidence,
            self._rules.log_threshold,
            run.expected,
            [ball],
        )
        self.episodes.append(episode)
        self._claim(episode)
        episode.told = episode.count
        yield from self._say(episode, "raised", "near queries")

    def _claim(self, episode: Episode) -> None:
        """What it has among the queries that count is its own, and counts no more."""
        counting = self.memory.counting()
        own = counting[episode.meet(self.memory.flat(counting), counting)]
        self.memory.drop(own)
        self._join(episode, own)

    def _tell(self, clock: int) -> Iterator[Output]:
        """News of open episodes: they grew to twice what was told, or they are over."""
        for episode in self.open:
            gone = episode.last < self.memory.begin
            if gone or clock - episode.clock >= self._rules.quiet_ns:
                yield from self._end(episode)
            elif episode.count >= 2 * episode.told:
                episode.told = episode.count
                yield result_of(self._watched, episode, self._rules.promise)

    def _end(self, episode: Episode) -> Iterator[Output]:
        episode.closed = self.memory.end - 1
        yield from self._say(episode, "cleared", "quiet")

    def _say(self, episode: Episode, change: Change, reason: str) -> Iterator[Output]:
        result = result_of(self._watched, episode, self._rules.promise)
        yield result
        yield alarm_of(result, change, reason, self.queries)


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
