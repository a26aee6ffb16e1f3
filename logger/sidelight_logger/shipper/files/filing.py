"""Delivers as files, each of one record or of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from sidelight.config.settings import SinkSettings
from sidelight.errors import MalformedPayload
from sidelight.log.contract import Stored
from sidelight_logger.shipper.carrying.fates import DELIVERED, Fate
from sidelight_logger.shipper.carrying.patience import Patience
from sidelight_logger.shipper.files.places import Place
from sidelight_logger.shipper.files.rows import Row, rows
from sidelight_logger.shipper.files.tables import to_bytes

_SINGLY_AT_ONCE = 50
"""Exchanges whose files are on their way beside each other, where each has files of its own."""


class Filing:
    """A `Delivery` of files, named by the first record of each.

    After a crash the same records begin the same files, which are replaced.
    """

    longest_wait_seconds = 30.0

    def __init__(self, place: Place, sink: SinkSettings) -> None:
        files = sink.files
        self._place = place
        self._sink = sink
        self.gather_seconds = files.batch_seconds if files.batch_records > 1 else 0.0
        each = 2 if sink.form == "kserve" else 1
        batch = files.batch_records if files.batch_records > 1 else each * _SINGLY_AT_ONCE
        self.at_once = max(1, batch // each)

    def deliver(self, found: Sequence[Stored], patience: Patience) -> Iterator[Fate]:
        fates: list[Fate] = []
        filed: list[Row] = []
        for stored in found:
            try:
                filed += rows(stored, self._sink)
                fates.append(DELIVERED)
            except MalformedPayload as cause:
                fates.append(Fate(cause=cause))
        if filed:
            patience.insist(partial(self._place.put, self._files(filed)))
        return iter(fates)

    def _files(self, filed: Sequence[Row]) -> dict[str, bytes]:
        by_folder: dict[str, list[Row]] = {}
        for row in filed:
            by_folder.setdefault(row.folder, []).append(row)
        size, format_ = self._sink.files.batch_records, self._sink.files.format
        return {
            "/".join(filter(None, (folder, f"{batch[0].name}.{format_}"))): to_bytes(
                [row.fields for row in batch], format_
            )
            for folder, all_ in by_folder.items()
            for batch in _batches(all_, size)
        }


def _batches(filed: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(filed), size):
        yield filed[start : start + size]
