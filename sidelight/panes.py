"""What panes say, for those who keep them: found by the entry point ``sidelight.panes``.

A pane's summaries mean something only beside the reference they were counted by, which is the
detectors' matter. Who keeps panes for later (the dashboard) takes their bytes from here, adds them
up, and asks what a sum says beside its reference; it needs to know no cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from sidelight.errors import MissingExtra

if TYPE_CHECKING:
    from sidelight.config.settings import Settings
    from sidelight.log import Record

GROUP = "sidelight.panes"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one model version, segment and bucket of event time.

    `begin_ns` is where the bucket begins, `first_ns` and `last_ns` the smallest and largest event
    time in it. `segment` is empty for what is not cut apart. `flagged` are rows by the detector
    that flagged them. `summary` adds up with those of the same plan (`PaneReader.add`).
    """

    version: str
    segment: str
    begin_ns: int
    first_ns: int
    last_ns: int
    rows: int
    flagged: Mapping[str, int]
    summary: bytes


@dataclass(frozen=True, slots=True)
class Pane:
    """One run [begin, end) of a partition of `inference`, as one model's plan saw it.

    Runs of a partition follow each other; one that begins before the last end is told twice.
    """

    model: str
    plan: str
    partition: int
    begin: int
    end: int
    watermark_ns: int
    bucket_ns: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A value or range of a column, and the share of rows that have it.

    A range is [`low`, `high`] (None where it has no end); a category has its text in `name`, and
    so have what is missing and what was never seen. `reference` and `current` are shares in [0, 1].
    """

    name: str
    low: float | None
    high: float | None
    reference: float
    current: float


@dataclass(frozen=True, slots=True)
class Column:
    """One column beside its reference. Distances, p-values and effects as the detectors tell them.

    `role` is ``feature`` or ``output``. `rows` had the column; `distance` is None where none had.
    `gained` are categories only the current rows have, `lost` those only the reference has.
    `measures` are further effects with bounds, by name.
    """

    name: str
    role: str
    kind: str
    method: str
    rows: int
    distance: float | None
    effect: float | None
    low: float
    high: float
    p_value: float
    p_threshold: float
    drifted: bool
    bars: tuple[Bar, ...] = ()
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    measures: Mapping[str, tuple[float | None, float | None, float | None]] = field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class Flagged:
    """What one detector of strange rows saw.

    `p_values` counts rows by conformal p-value, in bins of equal width over (0, 1], which ordinary
    rows fill evenly; empty where the detector has none. They rank among `calibration_rows` rows of
    the reference: so few say how evenly.
    """

    detector: str
    method: str
    rows: int
    expected_rate: float
    rate_bound: float | None
    p_values: tuple[int, ...] = ()
    calibration_rows: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Summed rows beside the reference of their plan. `refused` says why drift was not judged."""

    rows: int
    reference_rows: int
    tolerance: float | None
    columns: tuple[Column, ...]
    flagged: tuple[Flagged, ...] = ()
    refused: str = ""


class PaneReader(Protocol):
    """Reads, adds up and judges. Safe to share by threads; no writing anywhere."""

    def read(self, record: Record) -> Pane:
        """A record of `panes`; `MalformedPayload` when it is none of this release."""
        ...

    def add(self, summaries: Sequence[bytes]) -> bytes:
        """Their sum; `DataMismatch` when they are of different plans."""
        ...

    def compare(self, model: str, plan: str, segment: str, summary: bytes) -> Comparison:
        """What the rows say beside the reference of that plan (and segment).

        Raises `ArtifactError` when the plan's reference cannot be had any more.
        """
        ...


Opening = Callable[["Settings"], AbstractContextManager[PaneReader]]


def open_panes(settings: Settings) -> AbstractContextManager[PaneReader]:
    """Who reads the panes of this configuration; `MissingExtra` when nobody here can."""
    for entry in entry_points(group=GROUP):
        opening: Opening = entry.load()
        return opening(settings)
    raise MissingExtra("nothing here reads panes; run: pip install 'sidelight[detectors]'")
