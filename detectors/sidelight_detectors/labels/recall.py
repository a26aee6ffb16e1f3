"""What waited before a crash, had again from the panes that said it.

Rows wait at once. Their labels are joined with them millions at a time, which costs a fraction of
joining them pane by pane, and comes to the same: of the labels of a row the one learned last holds,
whenever it is joined. Only a label that was forgotten before its row came must not find it now.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.labels.early import Spoken, joined
from sidelight_detectors.labels.gathering import spoken_in
from sidelight_detectors.labels.joining import Join, Named
from sidelight_detectors.streaming.folds import Traced

ROWS_AT_ONCE = 1 << 18
"""Rows and labels of panes that are taken in one step."""

LABELS_AT_ONCE = 1 << 22
"""Labels that are joined in one step."""


class Recall:
    """`remember` the panes that were accepted before, in their order; then `end`."""

    def __init__(self, join: Join) -> None:
        self._join = join
        self._panes: list[Traced] = []
        self._size = 0
        self._labels: list[Spoken] = []
        self._said = 0
        self._first_places: list[NDArray[np.int64]] = []
        self._first_panes: list[NDArray[np.int64]] = []

    def remember(self, traced: Traced) -> None:
        if self._join.early.is_due(traced.pane):
            self._take()
            self._join.early.follow(traced.pane)
        self._panes.append(traced)
        self._size += int(traced.trace.exchanges.rows.sum()) + len(traced.trace.labels)
        if self._size >= ROWS_AT_ONCE:
            self._take()
        if self._said >= LABELS_AT_ONCE:
            self._label()

    def end(self) -> None:
        """All was read again that is remembered."""
        self._take()
        self._join.early.follow_all()
        self._label()

    def _take(self) -> None:
        for one in self._join.place(self._panes, Counter()):
            begins = np.flatnonzero(np.diff(one.panes, prepend=-1))
            self._first_places.append(one.places[begins])
            self._first_panes.append(one.panes[begins])
        spoken = spoken_in(self._panes)
        if spoken is not None:
            self._join.early.add(spoken)
            self._labels.append(spoken)
            self._said += len(spoken)
        self._panes, self._size = [], 0

    def _label(self) -> None:
        """Labels that are remembered may name rows that come later: they are joined once more."""
        if not (self._said and self._first_places):
            return
        spoken = joined(self._labels)
        self._labels, self._said = [self._join.early.all], 0
        named = self._join.named(spoken)
        is_known = self._is_known(spoken, named)
        self._join.label(spoken, Named(named.labels[is_known], named.places[is_known]))

    def _is_known(self, spoken: Spoken, named: Named) -> NDArray[np.bool_]:
        """Whether each label was not forgotten when the row came."""
        forgotten = self._join.early.forgotten(spoken.pane)[named.labels]
        places = np.concatenate(self._first_places)
        order = np.argsort(places)
        places, panes = places[order], np.concatenate(self._first_panes)[order]
        is_known: NDArray[np.bool_] = forgotten > panes.max()
        asked = np.flatnonzero(~is_known)
        at = np.searchsorted(places, named.places[asked], side="right") - 1
        is_known[asked] = panes[at] < forgotten[asked]
        return is_known
