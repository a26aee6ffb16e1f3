"""Refuses to work without the checksum in C, on which the speed of kafka-python rests."""

from __future__ import annotations

from kafka.record.util import crc32c_c

from sidelight.errors import MissingExtra


def require_fast_checksums() -> None:
    """Without it a record costs eight times as much; raises `MissingExtra`."""
    if crc32c_c is None:
        raise MissingExtra("kafka-python found no crc32c; pip install 'sidelight[kafka]'")
