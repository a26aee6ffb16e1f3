"""The queries of an attack one after the other: what changed, and what was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_dashboard.attacks.changes import Change, changes, is_seen
from sidelight_dashboard.attacks.episodes import Episode, Query
from sidelight_dashboard.attacks.flags import Flags, flags
from sidelight_dashboard.exchanges.opening import OpenedRow
from sidelight_dashboard.exchanges.reading import Opened, read_rows
from sidelight_dashboard.exchanges.values import json_value
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording

READING_SECONDS = 3.0
"""Queries are read from the log for one answer no longer than that; the page says of how many it
could not be waited."""

Against = Literal["previous", "first", "target"]
"""What each query is held against: the one before it, the first one, the row under attack."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An output in words, and as a number where it is one."""

    column: str
    label: str
    words: str
    number: float | None


@dataclass(frozen=True)
class Step:
    """One query. `changes` are against the query with the number `against`, None where there is
    nothing to hold it against; `missing` says why it is not there. `flagged_by` are detectors of
    single rows that told of it, `pictures` columns that can be seen. `turned` says that the model
    decided otherwise than on the first query that is known, where it tells its decision."""

    query: Query
    is_target: bool
    time_ns: int | None
    client: str
    against: int | None
    changes: tuple[Change, ...]
    outputs: tuple[Answered, ...]
    missing: str
    flagged_by: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """A column, and in how many of the queries it changed."""

    label: str
    queries: int


@dataclass(frozen=True)
class Sequenced:
    """`whole` is what changed from query `first` to query `last`, those at both ends that are
    there; `columns` those that changed most often first."""

    steps: tuple[Step, ...]
    columns: tuple[Tried, ...]
    first: int | None
    last: int | None
    whole: tuple[Change, ...]


def sequence(showing: Showing, model: str, episode: Episode, against: Against) -> Sequenced:
    """The queries that are known, in their order."""
    settings = showing.settings.models[model]
    rows = dict(zip(episode.queries, read(showing, episode.queries), strict=True))
    target = rows.get(episode.target)
    if target is None and against == "target":
        (target,) = read(showing, [episode.target])
    told = _Telling(settings, episode, against, flags(showing.store, episode.queries))
    steps = tuple(_turning(told.steps(rows, target), settings))
    known = [(query, row) for query, row in rows.items() if isinstance(row, OpenedRow)]
    if not known:
        return Sequenced(steps, (), None, None, ())
    (first, before), (last, after) = known[0], known[-1]
    whole = told.between(before, after)
    return Sequenced(steps, _tried(steps), first.number, last.number, whole)


def read(showing: Showing, queries: Sequence[Query]) -> list[Opened]:
    """The rows, each or why it is not there."""
    places = [(query.exchange, query.row) for query in queries]
    return list(read_rows(showing, places, READING_SECONDS))


@dataclass(frozen=True)
class _Telling:
    settings: ModelSettings
    episode: Episode
    against: Against
    flags: Flags

    def steps(self, rows: dict[Query, Opened], target: Opened | None) -> Iterator[Step]:
        held = (self.episode.target, target) if self.against == "target" else (None, None)
        for query, row in rows.items():
            yield self._step(query, row, *held)
            if isinstance(row, OpenedRow) and self._moves(held[1]):
                held = (query, row)

    def _moves(self, held: Opened | None) -> bool:
        return self.against == "previous" or (self.against == "first" and held is None)

    def _step(self, query: Query, row: Opened, other: Query | None, held: Opened | None) -> Step:
        is_target = query == self.episode.target
        flagged_by = self.flags.get((query.exchange, query.row), ())
        if not isinstance(row, OpenedRow):
            return Step(query, is_target, None, "", None, (), (), str(row), flagged_by)
        is_held = isinstance(held, OpenedRow) and other is not None and other != query
        return Step(
            query,
            is_target,
            row.exchange.time_ns,
            self._client(row),
            other.number if is_held and other else None,
            self.between(held, row) if isinstance(held, OpenedRow) else (),
            self._answered(row.outputs),
            row.no_inputs,
            flagged_by,
            self._pictures(row.inputs),
        )

    def between(self, before: OpenedRow, after: OpenedRow) -> tuple[Change, ...]:
        if before.inputs is None or after.inputs is None:
            return ()
        return changes(before.inputs, after.inputs, self.settings.features, self._wording)

    def _answered(self, outputs: Columns | None) -> tuple[Answered, ...]:
        told = ((column, json_value(column)) for column in outputs or ())
        return tuple(
            Answered(
                column.name,
                self._wording.column(column.name),
                self._wording.answered(column.name, value),
                float(value) if isinstance(value, int | float) else None,
            )
            for column, value in told
        )

    def _pictures(self, inputs: Columns | None) -> tuple[str, ...]:
        kinds = self.settings.features
        return tuple(one.name for one in inputs or () if is_seen(one, kinds.get(one.name)))

    def _client(self, row: OpenedRow) -> str:
        """By the header that the detector goes by."""
        watching = self.settings.detectors.adversarial
        header = watching.client if watching else None
        return row.exchange.headers.get(header.lower(), "") if header else ""

    @property
    def _wording(self) -> Wording:
        return Wording(self.settings.glossary)


def _turning(steps: Iterable[Step], settings: ModelSettings) -> Iterator[Step]:
    prediction = settings.outcome.prediction if settings.outcome else None
    first = None
    for step in steps:
        said = next((one.words for one in step.outputs if one.column == prediction), None)
        first = said if first is None else first
        yield replace(step, turned=said != first) if said is not None else step


def _tried(steps: Sequence[Step]) -> tuple[Tried, ...]:
    counts = Counter(change.label for step in steps for change in step.changes)
    return tuple(Tried(*one) for one in counts.most_common())
