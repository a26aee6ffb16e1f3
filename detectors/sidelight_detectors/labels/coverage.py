"""How many rows have a label, all of them and in each group: too few may be unlike the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from sidelight_detectors.contract import Finding
from sidelight_detectors.labels.finding import LabelsFinding


class Group(Protocol):
    """A group's rows, and those with a label."""

    @property
    def attribute(self) -> str: ...

    @property
    def group(self) -> str: ...

    @property
    def rows(self) -> int: ...

    @property
    def labelled(self) -> int: ...


@runtime_checkable
class Grouped(Protocol):
    """A finding that tells groups apart."""

    @property
    def groups(self) -> Sequence[Group]: ...


def warnings_of(own: LabelsFinding, others: Sequence[Finding], least: float) -> tuple[str, ...]:
    """What to be warned of in a window where a share of `least` is wanted."""
    return tuple(_warnings(own, others, least))


def _warnings(own: LabelsFinding, others: Sequence[Finding], least: float) -> Iterator[str]:
    if own.coverage < least:
        yield _warning("all rows", own.coverage, least)
    for other in others:
        if isinstance(other, Grouped):
            for one in other.groups:
                if one.labelled < least * one.rows:
                    share = one.labelled / one.rows
                    yield _warning(f"{one.attribute} {one.group}", share, least)


def _warning(what: str, share: float, least: float) -> str:
    return f"{what}: {share:.1%} have a label, less than {least:.0%}; those may be unlike the rest"
