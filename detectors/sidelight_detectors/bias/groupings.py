"""All groups that are counted: those of each attribute, and those of attributes crossed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ConfigError
from sidelight_detectors.bias.attributes import OTHER, Attribute
from sidelight_detectors.bias.side_table import Codes

MAX_CROSSED = 64
"""Groups that one crossing of attributes makes; the smallest of more are one, `OTHER`."""

_BETWEEN = "*"


@dataclass(frozen=True, eq=False)
class Grouping:
    """One attribute, or several crossed: every row is in one of its groups.

    Parameters
    ----------
    places:
        Of its attributes among all.
    sizes:
        How many groups each of these has.
    table:
        Shape ``(product of sizes,)`` int64: the number of the group of each combination.
    """

    name: str
    places: tuple[int, ...]
    sizes: tuple[int, ...]
    table: NDArray[np.int64]
    groups: tuple[str, ...]
    privileged: int

    def of(self, codes: Codes) -> NDArray[np.int64]:
        """The number of each row's group; `codes` are ``(n, attributes)``."""
        place = np.zeros(len(codes), np.int64)
        for column, size in zip(self.places, self.sizes, strict=True):
            place = place * size + codes[:, column]
        return self.table[place]


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of all groupings, one after the other: a group's number is its place here.

    Parameters
    ----------
    expected:
        Shape ``(groups,)``: which of them the reference has rows enough of, or names.
    """

    groupings: tuple[Grouping, ...]
    expected: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Attribute and group of each number."""
        return tuple((one.name, group) for one in self.groupings for group in one.groups)

    @cached_property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Each group that is not privileged, and the privileged one of its grouping."""
        found = [
            (start + number, start + one.privileged)
            for start, one in zip(self._starts, self.groupings, strict=True)
            for number in range(len(one.groups))
            if number != one.privileged
        ]
        own, against = np.array(found, np.int64).T
        return own, against

    def count(self, codes: Codes, columns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums of `columns` ``(n, width)`` by group, ``(groups, width)``; none above 2^53."""
        bins = np.zeros(len(codes), np.int64)
        return self.count_in_bins(codes, columns, bins, 1)

    def count_in_bins(
        self, codes: Codes, columns: NDArray[np.int64], bins: NDArray[np.int64], size: int
    ) -> NDArray[np.int64]:
        """As `count`, of each of `size` bins, one after the other: ``(groups, size * width)``."""
        width = columns.shape[1]
        found = np.empty((len(self), size, width), np.int64)
        for start, one in zip(self._starts, self.groupings, strict=True):
            end, own = start + len(one.groups), one.of(codes) * size + bins
            for place, column in enumerate(columns.T):
                sums = np.bincount(own, column, minlength=(end - start) * size)
                found[start:end, :, place] = sums.reshape(-1, size).astype(np.int64)
        return found.reshape(len(self), size * width)

    def pack(self) -> dict[str, Any]:
        """For `unpack_groups`; sizes are the attributes' own."""
        groupings = [
            {
                "places": list(one.places),
                "table": one.table.tolist(),
                "groups": list(one.groups),
                "privileged": one.privileged,
            }
            for one in self.groupings
        ]
        return {"groupings": groupings, "expected": self.expected.tolist()}

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        sizes = [len(one.groups) for one in self.groupings]
        return tuple(int(start) for start in np.cumsum([0, *sizes])[:-1])


def learn_groups(
    attributes: Sequence[Attribute],
    crossings: Sequence[Sequence[str]],
    codes: Codes,
    min_support: int,
) -> Groups:
    """The groups of each attribute, and those of each crossing that have rows enough.

    Parameters
    ----------
    codes:
        Shape ``(n, attributes)``: the reference.
    min_support:
        Rows of the reference that a crossed group needs; those with fewer are one, `OTHER`.
    """
    single = [_single(place, attribute) for place, attribute in enumerate(attributes)]
    names = [attribute.name for attribute in attributes]
    crossed = [
        _crossed([names.index(name) for name in crossing], attributes, codes, min_support)
        for crossing in crossings
    ]
    groupings = (*single, *crossed)
    expected = [_expected(grouping, codes, min_support) for grouping in groupings]
    return Groups(groupings, np.concatenate(expected))


def unpack_groups(saved: Mapping[str, Any], attributes: Sequence[Attribute]) -> Groups:
    """`KeyError`, `ValueError` or `TypeError` when it is not what `Groups.pack` gave."""
    groupings = tuple(
        Grouping(
            _BETWEEN.join(attributes[place].name for place in one["places"]),
            tuple(one["places"]),
            tuple(len(attributes[place].groups) for place in one["places"]),
            np.array(one["table"], np.int64),
            tuple(map(str, one["groups"])),
            int(one["privileged"]),
        )
        for one in saved["groupings"]
    )
    return Groups(groupings, np.array(saved["expected"], bool))


def _expected(grouping: Grouping, codes: Codes, min_support: int) -> NDArray[np.bool_]:
    rows = np.bincount(grouping.of(codes), minlength=len(grouping.groups))
    if len(grouping.places) == 1 and rows[-1] == len(codes):
        # The reference does not have the attribute: the groups that are named.
        return np.arange(len(rows)) < len(rows) - 2
    return np.asarray(rows >= min_support, bool)


def _single(place: int, attribute: Attribute) -> Grouping:
    size = len(attribute.groups)
    table = np.arange(size, dtype=np.int64)
    return Grouping(
        attribute.name, (place,), (size,), table, attribute.groups, attribute.privileged
    )


def _crossed(
    places: Sequence[int], attributes: Sequence[Attribute], codes: Codes, min_support: int
) -> Grouping:
    own = [attributes[place] for place in places]
    name = _BETWEEN.join(attribute.name for attribute in own)
    sizes = tuple(len(attribute.groups) for attribute in own)
    number = np.ravel_multi_index(codes[:, list(places)].T, sizes)
    rows = np.bincount(number, minlength=int(np.prod(sizes)))
    privileged = int(np.ravel_multi_index([attribute.privileged for attribute in own], sizes))
    if rows[privileged] < min_support:
        told = " and ".join(attribute.groups[attribute.privileged] for attribute in own)
        raise ConfigError(
            f"detectors.bias.intersections: only {rows[privileged]} reference rows are {told}, "
            f"which others of {name} would be compared with; at least {min_support} (min_support) "
            "are needed: set 'privileged' of these attributes, or leave the intersection out"
        )
    largest = np.argsort(-rows, kind="stable")[:MAX_CROSSED]
    kept = sorted({*largest[rows[largest] >= min_support].tolist(), privileged})
    table = np.full(len(rows), len(kept), np.int64)
    table[kept] = np.arange(len(kept))
    every = list(_combinations(own))
    groups = (*(every[one] for one in kept), OTHER)
    return Grouping(name, tuple(places), sizes, table, groups, kept.index(privileged))


def _combinations(attributes: Sequence[Attribute]) -> Iterator[str]:
    for chosen in product(*(attribute.groups for attribute in attributes)):
        yield _BETWEEN.join(chosen)
