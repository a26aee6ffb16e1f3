"""A record as a row of a segment, with the checksum that finds a flipped bit."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import orjson

from sidelight.log.contract import Address, Headers, Record, Stored

Row = tuple[int, int, int, bytes, bytes, bytes]
"""offset, appended_ns, checksum, key, headers, value"""

_WHERE_AND_WHEN = struct.Struct("<qq")
_COUNT_AND_SIZE = struct.Struct("<HI")


class Content(NamedTuple):
    """What of a row is known before the row has a place."""

    checksum: int
    key: bytes
    headers: bytes
    value: bytes


def content(record: Record) -> Content:
    headers = _pack(record.headers) if record.headers else b""
    checksum = crc32(record.value, crc32(headers, crc32(record.key)))
    return Content(checksum, record.key, headers, record.value)


def place(contents: list[Content], offset: int, appended_ns: int) -> list[Row]:
    """Give the contents consecutive offsets and one time."""
    pack = _WHERE_AND_WHEN.pack
    return [
        (at, appended_ns, checksum ^ crc32(pack(at, appended_ns)), key, headers, value)
        for at, (checksum, key, headers, value) in enumerate(contents, offset)
    ]


def is_intact(row: Row) -> bool:
    """Whether the row is what was written; a damaged page yields values of any type."""
    offset, appended_ns, checksum, key, headers, value = row
    try:
        found = crc32(value, crc32(headers, crc32(key)))
        return checksum == found ^ crc32(_WHERE_AND_WHEN.pack(offset, appended_ns))
    except (TypeError, struct.error):
        return False


def stored(row: Row, topic: str, partition: int) -> Stored:
    """The record that an intact row holds."""
    headers = _unpack(row[4]) if row[4] else ()
    return Stored(Address(topic, partition, row[0]), Record(row[5], row[3], headers), row[1])


def _pack(headers: Headers) -> bytes:
    """Lengths, all names as one JSON list, all values: most records of a topic share the list."""
    names, values = zip(*headers, strict=True)
    lengths, packed = _packed_names(names)
    return b"".join((lengths.pack(len(values), len(packed), *map(len, values)), packed, *values))


@lru_cache(maxsize=256)
def _packed_names(names: tuple[str, ...]) -> tuple[struct.Struct, bytes]:
    return struct.Struct(f"<HI{len(names)}I"), orjson.dumps(names)


def _unpack(packed: bytes) -> Headers:
    count, size = _COUNT_AND_SIZE.unpack_from(packed)
    begin = _COUNT_AND_SIZE.size + 4 * count + size
    names, values = _layout(packed[:begin])
    return tuple(zip(names, values.unpack_from(packed, begin), strict=True))


@lru_cache(maxsize=1024)
def _layout(head: bytes) -> tuple[tuple[str, ...], struct.Struct]:
    """The names, and where the values are: records made alike mostly share both."""
    count, _ = _COUNT_AND_SIZE.unpack_from(head)
    lengths = struct.unpack_from(f"<{count}I", head, _COUNT_AND_SIZE.size)
    values = struct.Struct("".join(f"{length}s" for length in lengths))
    return _names(head[_COUNT_AND_SIZE.size + 4 * count :]), values


@lru_cache(maxsize=256)
def _names(packed: bytes) -> tuple[str, ...]:
    return tuple(orjson.loads(packed))
