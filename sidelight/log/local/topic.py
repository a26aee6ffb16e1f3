"""One topic of a local log: its partitions, each with a reading and a writing side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sidelight.config.settings import LogSettings
from sidelight.errors import LogFull
from sidelight.log.contract import Address, Record
from sidelight.log.local.appender import Appender
from sidelight.log.local.damage import Damages
from sidelight.log.local.erasing import Change, erase, set_aside
from sidelight.log.local.folder import Folder
from sidelight.log.local.partition import Partition
from sidelight.log.local.retention import Retention
from sidelight.log.local.rows import content
from sidelight.log.local.shelf import Shelf


class Topic:
    """A topic's partitions in this process; nothing is opened before it is used."""

    def __init__(self, name: str, folder: Folder, settings: LogSettings, damages: Damages) -> None:
        shelves = [Shelf(folder.partition(name, n), name, n) for n in range(folder.partitions)]
        self._name = name
        self._shelves = shelves
        self._readers = [Partition(shelf, damages) for shelf in shelves]
        self._appenders = [Appender(shelf, settings, damages) for shelf in shelves]
        self._retention = Retention(shelves, settings)

    @property
    def partitions(self) -> int:
        return len(self._readers)

    def partition(self, number: int) -> Partition:
        self._check(number)
        return self._readers[number]

    def append(self, number: int, records: Sequence[Record]) -> list[Address]:
        self._check(number)
        if not records:
            return []
        contents = [content(record) for record in records]
        appender = self._appenders[number]
        try:
            batch = appender.append(contents)
        except LogFull:
            if not self._retention.enforce():
                raise
            batch = appender.append(contents)
        self._retention.after_append(number, batch.base)
        first = batch.first
        return [Address(self._name, number, first + i) for i in range(len(contents))]

    def erase(self, needles: Sequence[bytes], change: Change, tombstone: Record) -> list[Address]:
        found = [erase(shelf, needles, change, tombstone) for shelf in self._shelves]
        return [address for addresses in found for address in addresses]

    def set_aside(self) -> list[Path]:
        return [path for shelf in self._shelves for path in set_aside(shelf)]

    def close(self) -> None:
        for appender in self._appenders:
            appender.close()
        for reader in self._readers:
            reader.close()

    def _check(self, number: int) -> None:
        if not 0 <= number < len(self._readers):
            raise ValueError(
                f"topic {self._name!r} has no partition {number}; it has {len(self._readers)}"
            )
