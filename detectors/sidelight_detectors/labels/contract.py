"""What came true, as parts are told of it: labels as numbers, sums over rows that have one, alarms.

`labels` joins labels with their rows; `bias` and `labels` itself judge what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.alarms.rule import Verdict
from sidelight_detectors.contract import Finding, Sums


@runtime_checkable
class Labelling(Protocol):
    """A part that wants to know what came true."""

    def number_of_label(self, value: Any) -> float:
        """The number of a label's class, or the number itself; `DataMismatch` for another."""
        ...


@runtime_checkable
class Settling(Protocol):
    """A part that judges what came true: sums over rows whose labels are known.

    The join keeps one vector for each version and event-time window. To it come `awaited` when a
    row was predicted, `labelled` when its label came, and the same taken off again when the label
    was corrected or taken back. `trail` is what `observe` gave for these rows.
    """

    @property
    def settled_size(self) -> int:
        """Length of the vector."""
        ...

    def awaited(self, trail: NDArray[np.uint8]) -> Sums:
        """What rows add before anything is known of them, for their coverage."""
        ...

    def labelled(self, trail: NDArray[np.uint8], values: NDArray[np.float64]) -> Sums:
        """What rows with these labels (numbers as of `Labelling.number_of_label`) add."""
        ...

    def settle(self, sums: Sums, is_final: bool) -> Finding:
        """A window; `is_final` when no label is waited for any more. `NotEnoughData` if too few."""
        ...


class SettledRule(Protocol):
    """Decides about alarms by what came true: each window once, when it is final."""

    @property
    def active(self) -> bool: ...

    def settled(self, sums: Sums) -> Verdict | None:
        """The next final window, in the order in which they became final."""
        ...

    def saved(self) -> dict[str, Any]: ...

    def restore(self, saved: Mapping[str, Any]) -> None: ...


@runtime_checkable
class SettledRuling(Protocol):
    """A part that raises alarms by what came true."""

    def settled_rule(self) -> SettledRule:
        """One that has seen nothing yet, for one model version."""
        ...


@runtime_checkable
class SettledPromising(Protocol):
    """A part that says what it promises about false alarms by what came true."""

    @property
    def settled_promise(self) -> str:
        """What is promised, and what that rests on."""
        ...
