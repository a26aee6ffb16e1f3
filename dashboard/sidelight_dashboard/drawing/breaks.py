"""Where a line over windows breaks: a value holds for its window, and not where none is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from sidelight_dashboard.drawing.figures import Number, Trace, limit, steps


class Lasting(Protocol):
    """Something that holds from one event time to another."""

    @property
    def begin_ns(self) -> int: ...

    @property
    def end_ns(self) -> int: ...


One = TypeVar("One", bound=Lasting)

Run = Sequence[tuple[int, One | None]]
"""When each value is reached; None where the line breaks."""


def longer(last: Lasting, one: Lasting) -> int:
    """A pause is no gap up to the length of the longer of the windows beside it."""
    return max(last.end_ns - last.begin_ns, one.end_ns - one.begin_ns)


def unbroken(windows: Sequence[One], patience: Callable[[One, One], int] = longer) -> Run[One]:
    """With the begin of each run of windows, and None between runs."""
    return tuple(_unbroken(windows, patience))


def line(name: str, run: Run[One], value: Callable[[One], Number]) -> Trace:
    """Its steps."""
    return steps(name, *_values(run, value))


def limit_line(name: str, run: Run[One], value: Callable[[One], Number]) -> Trace:
    """The threshold beside it."""
    return limit(name, *_values(run, value))


def _unbroken(
    windows: Sequence[One], patience: Callable[[One, One], int]
) -> Iterator[tuple[int, One | None]]:
    last: One | None = None
    for one in windows:
        if last is None or one.begin_ns - last.end_ns > patience(last, one):
            if last is not None:
                yield one.begin_ns, None
            yield one.begin_ns, one
        yield one.end_ns, one
        last = one


def _values(run: Run[One], value: Callable[[One], Number]) -> tuple[list[int], list[Number]]:
    return [at_ns for at_ns, _ in run], [None if one is None else value(one) for _, one in run]
