"""From the rows that were scored to the trace that goes into the pane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.streaming.intake import Labelled, Sample
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.trace import (
    NO_EXCHANGES,
    NO_LABELS,
    Exchanges,
    Labels,
    Trace,
    Trail,
    labels_of,
    subject_of,
)


@dataclass(frozen=True, eq=False)
class Trails:
    """What detectors want to know of some rows: `sample` is the place of each row's sample in
    `samples`, `row` its number there, `of` the trails by detector."""

    samples: Sequence[Sample]
    sample: NDArray[np.int64]
    row: NDArray[np.int64]
    of: Mapping[str, Trail]


def traced(
    plan: Plan,
    partition: int,
    begin: int,
    trails: Sequence[Trails],
    labelled: Sequence[Labelled],
) -> Trace:
    """The rows in the order of the log, and what feedback says of earlier ones."""
    labels = _labels(labelled)
    if not trails:
        return Trace(plan.id, partition, begin, labels=labels)
    offsets = np.concatenate([_offsets(one) for one in trails])
    order = np.lexsort((np.concatenate([one.row for one in trails]), offsets))
    joined = {
        name: np.concatenate([one.of[name] for one in trails])[order] for name in trails[0].of
    }
    samples = {one.offset: one for part in trails for one in part.samples}
    there, rows = np.unique(offsets, return_counts=True)
    chosen = [samples[offset] for offset in there.tolist()]
    versions = tuple(dict.fromkeys(one.version for one in chosen))
    clients = ("", *dict.fromkeys(one.sender.client for one in chosen if one.sender.client))
    exchanges = _exchanges(chosen, rows, versions, clients)
    return Trace(plan.id, partition, begin, versions, clients, exchanges, joined, labels)


def _offsets(trails: Trails) -> NDArray[np.int64]:
    return np.array([one.offset for one in trails.samples], np.int64)[trails.sample]


def _exchanges(
    samples: Sequence[Sample],
    rows: NDArray[np.int64],
    versions: tuple[str, ...],
    clients: tuple[str, ...],
) -> Exchanges:
    if not samples:
        return NO_EXCHANGES
    version = {name: number for number, name in enumerate(versions)}
    client = {name: number for number, name in enumerate(clients)}
    return Exchanges(
        np.array([one.offset for one in samples], np.int64),
        np.array([one.time_ns for one in samples], np.int64),
        rows.astype(np.int32),
        np.array([version[one.version] for one in samples], np.int32),
        np.array([client[one.sender.client] for one in samples], np.int32),
        np.array([subject_of(one.sender.id) for one in samples], np.uint64),
        np.array([subject_of(one.sender.correlation_id) for one in samples], np.uint64),
    )


def _labels(labelled: Sequence[Labelled]) -> Labels:
    entries = [
        (one.offset, one.time_ns, subject_of(subject), row, value)
        for one in labelled
        for subject, row, value in one.labels
    ]
    return labels_of(entries) if entries else NO_LABELS
