"""What has a consumer group of its own: a station reads rows of one model and says what it finds.

Whatever asks a predictor, keeps an order-dependent state or is slow does not run in the scorers.
It works at partitions of `inference` at its own pace, looks at a share of the exchanges, may skip
what it cannot keep up with, and promises at least once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from sidelight_detectors.results.findings import Output
from sidelight_detectors.stations.batch import Batch
from sidelight_detectors.stations.saying import Alarms, Speaker
from sidelight_detectors.streaming.intake import WatchedColumns


@dataclass(frozen=True, eq=False)
class Reading:
    """The rows of one exchange as a station takes them, and which of them it can use, ``(n,)``."""

    rows: Columns
    usable: NDArray[np.bool_]


class Watching(Protocol):
    """One detector on one partition. `size` is the rows of a batch, 0 when each exchange is one;
    `counts` is what came of them.
    """

    size: int
    counts: Counter[str]
    alarms: Alarms | None

    def take(self, batch: Batch) -> Iterator[Output]:
        """The next batch in the log's order.

        `PredictorError` when there is no answer: nothing has changed then, and the same batch is
        given again later.
        """
        ...

    def saved(self) -> dict[str, Any]: ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


class Station(Protocol):
    """A detector made ready: what the copies of it at all partitions share.

    `served_as` is what exchanges call the model; `plan` changes with all that changes an answer;
    `sample` is the share of exchanges it looks at; beyond `max_lag` exchanges it skips.
    """

    @property
    def model(self) -> str: ...

    @property
    def title(self) -> str:
        """What results and metrics call the detector."""
        ...

    @property
    def group(self) -> str:
        """The consumer group of this station alone."""
        ...

    @property
    def served_as(self) -> str: ...

    @property
    def watched(self) -> WatchedColumns: ...

    @property
    def plan(self) -> str: ...

    @property
    def sample(self) -> float: ...

    @property
    def max_lag(self) -> int | None: ...

    def read(self, rows: Columns) -> Reading:
        """The rows of an exchange; `DataMismatch` when none of them can be used."""
        ...

    def watching(self, partition: int) -> Watching:
        """A fresh one for the partition, nothing seen yet."""
        ...

    def speaker(self, partition: int) -> Speaker: ...
