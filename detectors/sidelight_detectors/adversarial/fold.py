"""The decider's memory of queries: finds runs of near ones, and follows them to their end."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidelight.log import Address
from sidelight.log.topics import INFERENCE
from sidelight_detectors.adversarial.balls import Ball, Nearby, ball_around, centre_of
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.episodes import Episode, Query
from sidelight_detectors.adversarial.memory import Memory, Sightings
from sidelight_detectors.adversarial.search import Normal, Rules, Run, Search
from sidelight_detectors.adversarial.telling import NAME, alarm_of, result_of
from sidelight_detectors.adversarial.trail import prints_of
from sidelight_detectors.alarms.rule import Change
from sidelight_detectors.results.findings import Output
from sidelight_detectors.streaming.folds import Standing, Traced, Watched
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.trace import Trace

Ints = NDArray[np.int64]

BLOCK = 256
"""Queries that are looked at together."""

MAX_EPISODES = 64
"""Episodes that are open; for one more, the one that was quiet longest is told to be over."""


class Seen(NamedTuple):
    """A pane that holds queries: its offset, the first of them, the clock before it."""

    pane: int
    serial: int
    clock: int


class Attacks:
    """The fold of one model (`sidelight_detectors.streaming.folds`).

    `episodes` are those that are open. `told` counts all that ever were, `crowded` those that were
    ended to make room, `queries` what was looked at.
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
        self._nearby: Nearby | None = None

    def accept(self, traced: Traced) -> Iterator[Output]:
        for fresh in self._taken(traced):
            self._follow(fresh)
            for run in self._search.runs(fresh):
                yield from self._found(run)
        yield from self._tell(max(self.memory.clock, traced.watermark_ns))

    def remember(self, traced: Traced) -> None:
        for fresh in self._taken(traced):
            self.memory.count(fresh)

    @property
    def needs_from(self) -> int | None:
        return self._begin.pane if self._begin else None

    @property
    def _begin(self) -> Seen | None:
        """The oldest pane that is needed; the snapshot's until panes are remembered."""
        return self._panes[0] if self._panes else self._restored

    def close(self) -> Iterator[Output]:
        for episode in tuple(self.episodes):
            yield from self._end(episode, "quiet")

    def alarms(self) -> list[Standing]:
        return [Standing("", NAME, self.told, bool(self.episodes))]

    def saved(self) -> dict[str, Any]:
        known = [one.saved() for one in self.episodes]
        return {
            "raised": [[one.version, one.id] for one in self.episodes],
            "begin": list(self._begin) if self._begin else None,
            "memory": self.memory.saved(),
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
            _, serial, clock = self._restored
            self.memory.restore(saved["memory"], serial, clock)

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

    def _follow(self, fresh: Ints) -> None:
        """Gives queries to their episodes, counts the others."""
        self.queries += len(fresh)
        owners = [episode for episode in self.episodes for _ in episode.balls]
        first = self._balls.first(self.memory.flat(fresh))
        self.memory.spend(fresh[first >= 0])
        self.memory.count(fresh[first < 0])
        given = {id(owners[at]): owners[at] for at in np.unique(first[first >= 0]).tolist()}
        for episode in given.values():
            own = [at for at, owner in enumerate(owners) if owner is episode]
            self._join(episode, fresh[np.isin(first, own)])

    @property
    def _balls(self) -> Nearby:
        """Those of all episodes; set to None when one changes."""
        if self._nearby is None:
            self._nearby = Nearby([ball for episode in self.episodes for ball in episode.balls])
        return self._nearby

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
        episode.balls[-1].learn(self.memory.flat(serials), self._sample)
        self._nearby = None

    def _found(self, run: Run) -> Iterator[Output]:
        """A run of near queries: an episode goes on there, or it is a new one."""
        flat = self.memory.flat(run.serials)
        ball = ball_around(flat, self._sample)
        before = self._before(run, flat)
        if before is not None:
            before.follow(ball)
            self._claim(before, run)
            return
        if len(self.episodes) >= MAX_EPISODES:
            self.crowded += 1
            yield from self._end(min(self.episodes, key=lambda one: one.last), "crowded")
        yield from self._open(run, flat, ball)

    def _before(self, run: Run, flat: Ints) -> Episode | None:
        """The episode that goes on in a run: of who asked most of it, else one nearby."""
        clients = Counter(self.memory.sightings(run.serials).client.tolist())
        name, count = clients.most_common(1)[0]
        for episode in self.episodes:
            if name and 2 * count > len(run.serials) and episode.client == name:
                return episode
        near = (one for one in self.episodes if one.goes_on_in(flat, self._sample))
        return next(near, None)

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
        self._claim(episode, run)
        episode.told = episode.count
        yield from self._say(episode, "raised", "near queries")

    def _claim(self, episode: Episode, run: Run) -> None:
        """What its last ball has among the queries that count is its own, and counts no more."""
        counting = self.memory.counting()
        own = counting[Nearby(episode.balls[-1:]).first(self.memory.flat(counting)) >= 0]
        self.memory.spend(np.union1d(own, run.serials))
        self._join(episode, own)

    def _tell(self, clock: int) -> Iterator[Output]:
        """News of open episodes: they grew to twice what was told, or they are over."""
        for episode in tuple(self.episodes):
            gone = episode.last < self.memory.begin
            if gone or clock - episode.clock >= self._rules.quiet_ns:
                yield from self._end(episode, "quiet")
            elif episode.count >= 2 * episode.told:
                episode.told = episode.count
                yield result_of(self._watched, episode, self._rules.promise)

    def _end(self, episode: Episode, reason: str) -> Iterator[Output]:
        episode.is_over = True
        self.episodes.remove(episode)
        self._nearby = None
        yield from self._say(episode, "cleared", reason)

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
