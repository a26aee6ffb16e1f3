"""Bodies of binary tensors that differ in their values only, read as one (see `templates`).

The head is the template. As it states how many bytes each tensor has, the bytes behind it are cut
at the same places in every body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from orjson import JSONDecodeError

from sidelight.errors import MalformedPayload
from sidelight.protocols import v2_binary
from sidelight.protocols.documents import parse_object
from sidelight.protocols.limits import Limits
from sidelight.protocols.templates import Key, UnlikeBodies, id_marker, refuse_odd_ids, take_id
from sidelight.protocols.v2_tensors import BINARY_SIZE
from sidelight.tensors import Columns


@dataclass(frozen=True, slots=True)
class BinaryParts:
    """A body taken apart: its JSON head, the head without its id, the id, the bytes behind."""

    head: bytes
    template: bytes
    id: bytes
    elements: memoryview


def take_apart_binary(content: bytes, json_length: int | None) -> BinaryParts | None:
    """The parts of a body; None for one with BYTES.

    Their elements have no width: one that is too long for its body would reach into the next.
    Raises `MalformedPayload` where the head does not end.
    """
    head, elements = v2_binary.cut(content, json_length)
    if b'"BYTES"' in head:
        return None
    template, said = take_id(head, id_marker(head))
    # No JSON begins like that: the groups of JSON bodies are others.
    return BinaryParts(head, b"\0" + template, said, elements)


def join_binary(parts: Sequence[BinaryParts], key: Key, limits: Limits) -> Columns:
    """The rows of bodies of one template, as `templates.join`, and refused like there."""
    try:
        first = parts[0]
        v2_binary.read_parts(parse_object(first.head, limits), first.elements, key, limits)
        refuse_odd_ids([part.id for part in parts])
        document = parse_object(first.head, limits)
        elements = _tensor_by_tensor(document[key], parts)
        count = len(parts)
        roomy = replace(
            limits, elements=limits.elements * count, body_bytes=limits.body_bytes * count
        )
        return v2_binary.read_parts(document, elements, key, roomy)
    except (MalformedPayload, JSONDecodeError) as exc:
        raise UnlikeBodies from exc


def _tensor_by_tensor(items: list[Any], parts: Sequence[BinaryParts]) -> memoryview:
    """The elements of all bodies, those of one tensor side by side; `items` now tell of all."""
    width = len(parts[0].elements)
    if any(len(part.elements) != width for part in parts):
        raise UnlikeBodies
    table = np.frombuffer(b"".join(part.elements for part in parts), np.uint8)
    table = table.reshape(len(parts), width)
    found, at = [], 0
    for item in items:
        if item["datatype"] == "BYTES":  # spelled so that it was not seen before
            raise UnlikeBodies
        item["shape"][0] *= len(parts)
        size = (item.get("parameters") or {}).get(BINARY_SIZE)
        if size is None:
            item["data"] *= len(parts)
            continue
        item["parameters"][BINARY_SIZE] = size * len(parts)
        found.append(table[:, at : at + size].tobytes())
        at += size
    if at != width:  # white space in the first body, in the others who knows what
        raise UnlikeBodies
    return memoryview(b"".join(found))
