"""Where a run is cut for count windows: at the exchange that fills a piece.

The rows of each version are counted on from run to run, and what they had come to is committed with
the position, so a run that is cut again after a crash is cut at the same places.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sidelight_detectors.streaming.intake import Sample

MAX_COUNTED = 64
"""Versions counted on from run to run, those seen last."""


def pieces_of(
    samples: Sequence[Sample], piece_rows: int, counted: Mapping[str, int]
) -> tuple[dict[int, int], dict[str, int]]:
    """The piece of each sample by its offset, and the rows of each version in its open piece.

    An exchange belongs to the piece in which it begins. Without `piece_rows` all is one piece.
    """
    if not piece_rows:
        return dict.fromkeys((sample.offset for sample in samples), 0), {}
    rows, pieces = dict(counted), {}
    for sample in sorted(samples, key=lambda one: one.offset):
        before = rows.pop(sample.version, 0)
        pieces[sample.offset] = before // piece_rows
        rows[sample.version] = before + len(sample.columns)
    left = {version: count % piece_rows for version, count in rows.items()}
    return pieces, dict(list(left.items())[-MAX_COUNTED:])
