"""Many exchanges decoded at once where their bodies differ in values only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body, Exchange
from sidelight.protocols.binary_templates import BinaryParts, join_binary, take_apart_binary
from sidelight.protocols.bodies import tensor_bytes
from sidelight.protocols.decoding import answer_of
from sidelight.protocols.limits import DEFAULT_LIMITS, Limits
from sidelight.protocols.templates import Key, Parts, UnlikeBodies, join, take_apart
from sidelight.protocols.v2_binary import is_binary
from sidelight.tensors import Columns

AnyParts = Parts | BinaryParts

# To check a template costs about as much as to decode this many exchanges one at a time.
_WORTH_IT = 4


@dataclass(frozen=True, slots=True)
class Side:
    """One side of exchanges: where its tensors stand, and its body (or `MalformedPayload`)."""

    key: Key
    body: Callable[[Exchange], Body]


INPUTS = Side("inputs", attrgetter("request"))
OUTPUTS = Side("outputs", answer_of)


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of some exchanges, one exchange after the other, each with as many as the others.

    `members` are their places among the exchanges that were given, `sides` the columns of each
    side that was asked for.
    """

    members: tuple[int, ...]
    sides: tuple[Columns, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    place: int
    sides: tuple[AnyParts, ...]


def decode_blocks(
    exchanges: Sequence[Exchange], sides: Sequence[Side], limits: Limits = DEFAULT_LIMITS
) -> Iterator[Block]:
    """Blocks of V2 exchanges of one template; a block holds what decoding its members alone gives.

    An exchange that is in no block is to be decoded alone: it has too few like it, is of another
    protocol, or something is wrong with it, which `decode_inputs` and `decode_outputs` then name.
    """
    groups: dict[tuple[bytes, ...], list[_Member]] = {}
    for place, exchange in enumerate(exchanges):
        if parts := _taken_apart(exchange, sides, limits):
            templates = tuple(part.template for part in parts)
            groups.setdefault(templates, []).append(_Member(place, parts))
    for members in groups.values():
        yield from _blocks(members, sides, limits)


def _taken_apart(exchange: Exchange, sides: Sequence[Side], limits: Limits) -> tuple[AnyParts, ...]:
    """Empty when the exchange is to be decoded alone."""
    if exchange.protocol != "v2":
        return ()
    try:
        found = [_parts(side.body(exchange), limits) for side in sides]
    except MalformedPayload:
        return ()
    parts = tuple(part for part in found if part is not None)
    return parts if len(parts) == len(found) else ()


def _parts(body: Body, limits: Limits) -> AnyParts | None:
    content, _ = tensor_bytes(body, limits)
    if is_binary(content, body.json_length):
        return take_apart_binary(content, body.json_length)
    return take_apart(content)


def _join(parts: Sequence[Any], key: Key, limits: Limits) -> Columns:
    """The rows of bodies of one template, which are all binary or all JSON."""
    joining = join_binary if isinstance(parts[0], BinaryParts) else join
    return joining(parts, key, limits)


def _blocks(members: list[_Member], sides: Sequence[Side], limits: Limits) -> Iterator[Block]:
    """One block; when a member spoils it, those of both halves, down to what is left out."""
    if len(members) < _WORTH_IT:
        return
    try:
        found = tuple(
            _join([member.sides[number] for member in members], side.key, limits)
            for number, side in enumerate(sides)
        )
    except UnlikeBodies:
        half = len(members) // 2
        yield from _blocks(members[:half], sides, limits)
        yield from _blocks(members[half:], sides, limits)
        return
    yield Block(tuple(member.place for member in members), found)
