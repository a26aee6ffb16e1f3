"""Traces of many panes as one: small steps would cost more than what is done in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.labels.early import Spoken
from sidelight_detectors.streaming.folds import Traced
from sidelight_detectors.streaming.trace import NO_LABELS, Exchanges, Trace


def gathered(traced: Sequence[Traced]) -> Iterator[tuple[Trace, NDArray[np.int64]]]:
    """Traces with rows, those of one partition and the same versions as one, and the pane of each
    exchange."""
    alike: dict[tuple[int, tuple[str, ...]], list[Traced]] = {}
    for one in traced:
        if len(one.trace.exchanges):
            alike.setdefault((one.trace.partition, one.trace.versions), []).append(one)
    for found in alike.values():
        panes = np.repeat([one.pane for one in found], [len(one.trace.exchanges) for one in found])
        yield _joined([one.trace for one in found]), panes.astype(np.int64)


def _joined(traces: Sequence[Trace]) -> Trace:
    if len(traces) == 1:
        return traces[0]
    first = traces[0]
    exchanges = {
        column.name: np.concatenate([getattr(one.exchanges, column.name) for one in traces])
        for column in fields(Exchanges)
    }
    trails = {name: np.concatenate([one.trails[name] for one in traces]) for name in first.trails}
    return replace(first, exchanges=Exchanges(**exchanges), trails=trails, labels=NO_LABELS)


def trails_of(trace: Trace, chosen: NDArray[np.intp]) -> Mapping[str, NDArray[np.uint8]]:
    """Of the rows of these exchanges."""
    if len(chosen) == len(trace.exchanges):
        return trace.trails
    is_chosen = np.zeros(len(trace.exchanges), np.bool_)
    is_chosen[chosen] = True
    rows = is_chosen[trace.owner]
    return {name: trail[rows] for name, trail in trace.trails.items()}


def spoken_in(traced: Sequence[Traced]) -> Spoken | None:
    """All labels, in the order in which they were said; None where there are none."""
    found = [(one.trace.labels, one.pane) for one in traced if len(one.trace.labels)]
    if not found:
        return None
    labels = [one for one, _ in found]
    return Spoken(
        np.concatenate([one.subject for one in labels]),
        np.concatenate([one.row for one in labels]),
        np.concatenate([one.value for one in labels]),
        np.concatenate([one.time_ns for one in labels]),
        np.concatenate([np.full(len(one), pane, np.int64) for one, pane in found]),
    )
