"""Bodies that differ in their values only: each is taken apart, and all are read as one.

A client sends one body again and again with other numbers. What surrounds the numbers (names,
shapes, datatypes, parameters) is the template: bodies of one template are checked once, and their
values are parsed, converted and checked a tensor at a time instead of a tensor and body at a time.

Nothing here words an error. Whoever hears `UnlikeBodies` decodes the bodies one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

import orjson

from sidelight.errors import MalformedPayload
from sidelight.protocols import v2
from sidelight.protocols.limits import Limits
from sidelight.tensors import Columns

Key = Literal["inputs", "outputs"]

# Without a space as most libraries write it, with one as Python's own does.
_SPELLINGS = ((b'"data":[', b'"id":"'), (b'"data": [', b'"id": "'))
_DECODERS = {"inputs": v2.decode_request, "outputs": v2.decode_response}


class UnlikeBodies(Exception):
    """These bodies cannot be read as one; says nothing about any one of them."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A body taken apart. No list holds a ``]``, the id no quote, so both can be joined safely."""

    body: bytes
    template: bytes
    lists: list[bytes]
    id: bytes


def take_apart(body: bytes) -> Parts:
    """The body's template, what stands in each ``"data":[...]`` up to the first ``]``, its id.

    In JSON these markers can only be keys: inside of text their quotes would be escaped. A list
    that goes on after its first ``]`` (nested, or text with one) leaves a template that
    `join` refuses.
    """
    data, id_ = _spelling(body)
    head, *pieces = body.split(data)
    around, lists = [head], []
    for piece in pieces:
        values, _, after = piece.partition(b"]")
        lists.append(values)
        around.append(after)
    template, said = take_id(data.join(around), id_)
    return Parts(body, template, lists, said)


def take_id(text: bytes, marker: bytes) -> tuple[bytes, bytes]:
    """The text without what stands behind the first id's `marker` up to a quote, and that."""
    before, found, rest = text.partition(marker)
    said, quote, after = rest.partition(b'"')
    return b"".join((before, found, quote, after)), said


def id_marker(head: bytes) -> bytes:
    """How the id's key is spelled in a body without data."""
    return next((id_ for _, id_ in _SPELLINGS if id_ in head), _SPELLINGS[0][1])


def _spelling(body: bytes) -> tuple[bytes, bytes]:
    return _SPELLINGS[0] if _SPELLINGS[0][0] in body else _SPELLINGS[1]


def join(parts: Sequence[Parts], key: Key, limits: Limits) -> Columns:
    """The rows of bodies of one template, one body after the other; `parameters` of the first.

    What comes out is what `Columns.concatenate` makes of the bodies decoded one at a time. Raises
    `UnlikeBodies` when one of them is malformed, or when the template does not tell where its
    values are.
    """
    try:
        _DECODERS[key](parts[0].body, limits)
        refuse_odd_ids([part.id for part in parts])
        data = [_flat(alike) for alike in zip(*(part.lists for part in parts), strict=True)]
        _refuse_other_places(parts[0], key)
        document = _with_data(orjson.loads(parts[0].body), key, data, len(parts))
        roomy = replace(limits, elements=limits.elements * len(parts))
        return v2.read_document(document, key, roomy)
    except (MalformedPayload, orjson.JSONDecodeError) as exc:
        raise UnlikeBodies from exc


def _well_formed(start: bytes, between: bytes, end: bytes, texts: Sequence[bytes]) -> list[Any]:
    """The texts parsed in one go.

    None of them holds what ends it, so as many values as texts come out only when each text is
    well-formed by itself: one that borrows from its neighbour swallows the end between them.
    """
    found: list[Any] = orjson.loads(start + between.join(texts) + end)
    if len(found) != len(texts):
        raise UnlikeBodies
    return found


def refuse_odd_ids(ids: Sequence[bytes]) -> None:
    """Raise `UnlikeBodies` or orjson's error unless each is the inside of a JSON string."""
    _well_formed(b'["', b'","', b'"]', ids)


def _flat(lists: Sequence[bytes]) -> list[Any]:
    """The elements of lists of one length, a list after the other."""
    # Flat at once: a million small lists that live on keep Python's garbage collector busy.
    found = _well_formed(b"[[", b"],[", b"]]", lists)
    if len(set(map(len, found))) != 1:
        raise UnlikeBodies
    return list(chain.from_iterable(found))


def _refuse_other_places(parts: Parts, key: Key) -> None:
    """Raise `UnlikeBodies` unless the lists, in their order, are the data of the tensors.

    Two probes, as a template may hold one: data spelled in another way would stand still while a
    list elsewhere changes, and a sender could show us other rows than the model.
    """
    for probe in (1, 2):
        lists = [[2 * place + probe] for place in range(len(parts.lists))]
        document = orjson.loads(_filled(parts.template, lists))
        if [tensor["data"] for tensor in document[key]] != lists:
            raise UnlikeBodies


def _filled(template: bytes, lists: list[list[int]]) -> bytes:
    data, _ = _spelling(template)
    head, *around = template.split(data)
    pairs = zip(lists, around, strict=True)
    return head + b"".join(data + b"%d]" % numbers[0] + after for numbers, after in pairs)


def _with_data(
    document: dict[str, Any], key: Key, data: list[list[Any]], bodies: int
) -> dict[str, Any]:
    """The document with the data of all bodies, which all have as much as the first."""
    for tensor, cells in zip(document[key], data, strict=True):
        tensor["data"] = cells
        tensor["shape"][0] *= bodies
    return document
