"""alibi-detect's online detectors: row by row, with a state that survives a restart.

Their own checkpoint leaves out thresholds and whatever was drawn at random, and keeps every
statistic ever computed. Here the state is what the next answer depends on: how many rows there
were, the last window, the last statistic and the thresholds. Randomness needs none: it
follows from seed and row (`seeding`). So both checkpoint and memory stay as small as the window.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.alibi import AlibiSettings
from sidelight_detectors.alibi.arrays import as_list, packed, unpacked
from sidelight_detectors.alibi.finding import AlibiFinding
from sidelight_detectors.alibi.matrix import matrix_of
from sidelight_detectors.alibi.seeding import reseed
from sidelight_detectors.alibi.watching import innermost, type_of
from sidelight_detectors.results.findings import Output
from sidelight_detectors.stations.batch import Batch
from sidelight_detectors.stations.saying import Alarms, Speaker
from sidelight_detectors.stations.since import Since

DRAWN = ("thresholds", "permit_probs")
"""What was drawn at random when it was made, and decides."""

HISTORY = ("t", "test_stats", "drift_preds")
"""What every one of them has in its `online_state_keys`, treated apart here."""


class Online:
    """One online detector with its state in hand."""

    def __init__(self, detector: Any, seed: int) -> None:
        self._outer = detector
        self._inner = innermost(detector)
        self._seed = seed
        self._forget()

    @property
    def rows(self) -> int:
        return int(self._inner.t)

    def predict(self, row: NDArray[np.float64]) -> Mapping[str, Any]:
        """alibi-detect's ``data`` for the next row."""
        reseed(self._seed, self.rows + 1)
        data: Mapping[str, Any] = self._outer.predict(row)["data"]
        self._forget()
        return data

    def saved(self) -> dict[str, Any]:
        names = ("test_stats", *self._drawn, *self._windows)
        kept = {name: packed(np.asarray(getattr(self._inner, name))) for name in names}
        return {"t": self.rows, **kept}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """By column: the rows of the last window are fed again, which gives to the last bit what
        they had, in a fraction of the space. All columns together: the windows as they were."""
        self._inner.reset_state()
        for name in self._drawn:
            setattr(self._inner, name, unpacked(saved[name]))
        if "xs" in self._windows:
            for row in unpacked(saved["xs"]):
                self._inner._update_state(row[None])
        else:
            for name in self._windows:
                array = _like(getattr(self._inner, name), unpacked(saved[name]))
                setattr(self._inner, name, array)
        self._inner.t = saved["t"]
        self._inner.test_stats = unpacked(saved["test_stats"])

    @property
    def _drawn(self) -> list[str]:
        return [name for name in DRAWN if hasattr(self._inner, name)]

    @property
    def _windows(self) -> list[str]:
        """What holds the last window."""
        if hasattr(self._inner, "xs"):
            return ["xs"]
        return [name for name in self._inner.online_state_keys if name not in HISTORY]

    def _forget(self) -> None:
        """They keep all statistics and all rows for ever; the next answer needs the last."""
        self._inner.test_stats = self._inner.test_stats[-1:]
        self._inner.drift_preds = self._inner.drift_preds[:0]
        if hasattr(self._inner, "xs"):
            self._inner.xs = self._inner.xs[-self._inner.max_ws :]


def _like(pattern: Any, array: NDArray[Any]) -> Any:
    """The array as a tensor of the pattern's own library."""
    library = type(pattern).__module__.partition(".")[0]
    if library == "torch":
        return sys.modules["torch"].from_numpy(array).to(pattern.device)
    if library == "tensorflow":
        return sys.modules["tensorflow"].convert_to_tensor(array)
    return array


class OnlineWatching:
    """Row by row. A result every `window` rows, and at once when an alarm is raised.

    Drift is what alibi-detect says at its own threshold; a result says drift when any row since
    the last one did.
    """

    size = 1

    def __init__(
        self, detector: Any, speaker: Speaker, settings: AlibiSettings, columns: tuple[str, ...]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.alarms: Alarms | None = Alarms(speaker, settings.clear_after)
        self.last: AlibiFinding | None = None
        self._alarms = self.alarms
        self._online = Online(detector, settings.seed)
        self._type = type_of(detector)
        self._ert = float(innermost(detector).ert)
        self._speaker = speaker
        self._columns = columns
        self._window = settings.window
        self._since = Since()

    def take(self, batch: Batch) -> Iterator[Output]:
        try:
            data = self._online.predict(matrix_of(batch.rows)[0])
        except Exception as exc:  # As in `BatchWatching`: it costs this row.
            self.counts["unjudged"] += 1
            seen = batch.seen(self._speaker.partition, 0)
            yield self._speaker.unjudged(self._online.rows, seen, exc)
            return
        says = bool(data["is_drift"])
        self._since.add(batch, says)
        self.last = self._finding(data)
        if self._since.rows == self._window or (says and not self._alarms.active):
            yield from self._tell(self.last)

    def saved(self) -> dict[str, Any]:
        return {
            "online": self._online.saved(),
            "stretch": self._since.saved(),
            "alarms": self._alarms.saved(),
        }

    def restore(self, saved: Mapping[str, Any]) -> None:
        self._online.restore(saved["online"])
        self._since = Since(*saved["stretch"])
        self._alarms.restore(saved["alarms"])

    def _tell(self, finding: AlibiFinding) -> Iterator[Output]:
        self.counts["windows"] += 1
        self.counts["drifted"] += finding.is_drift
        result = self._speaker.judged(finding, self._since.seen(self._speaker.partition))
        self._since = Since()
        yield result
        yield from self._alarms.hear(result, finding)

    def _finding(self, data: Mapping[str, Any]) -> AlibiFinding:
        statistics = np.atleast_2d(np.asarray(data["test_stat"], np.float64))
        # Of its windows that are full the one that speaks loudest, which is what it decides by.
        largest = np.fmax.reduce(statistics, axis=0)
        thresholds = np.broadcast_to(np.asarray(data["threshold"], np.float64), largest.shape)
        return AlibiFinding(
            self._type,
            self._speaker.partition,
            self._online.rows,
            self._since.rows,
            self._since.marked > 0,
            bool(data["is_drift"]),
            self._columns if len(self._columns) == len(largest) else (),
            tuple(as_list(largest)),
            (),
            tuple(as_list(thresholds)),
            self._ert,
        )
