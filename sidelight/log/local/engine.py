"""The local log: partitions, groups and limits behind the contract."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from zlib import crc32

import apsw

from sidelight.config.settings import LogSettings
from sidelight.errors import LogError
from sidelight.log.contract import Address, Record, Span, Stored
from sidelight.log.local.damage import Damage, Damages
from sidelight.log.local.erasing import Change
from sidelight.log.local.folder import open_folder
from sidelight.log.local.groups import LocalMembership, Positions, join
from sidelight.log.local.sqlite import refuse_unsafe
from sidelight.log.local.topic import Topic

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,248}")
_FIRST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.02


class LocalLog:
    """A log in a folder of this machine; use it from any thread, open it once a process."""

    def __init__(self, settings: LogSettings) -> None:
        refuse_unsafe(apsw.sqlite_lib_version())
        self._settings = settings
        self._folder = open_folder(Path(settings.url), settings.partitions)
        self._positions = Positions(self._folder.groups, settings.durability)
        self._damages = Damages()
        self._topics: dict[str, Topic] = {}
        self._lock = Lock()
        self._closed = False
        self._process = os.getpid()

    @property
    def log_id(self) -> str:
        """Random, made with the log: tells it from every other."""
        return self._folder.log_id

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What this process has found lost."""
        return self._damages.all()

    def append(
        self, topic: str, records: Sequence[Record], *, partition: int | None = None
    ) -> list[Address]:
        to = self._topic(topic)
        if partition is not None or to.partitions == 1:
            return to.append(partition or 0, records)
        shares: dict[int, list[int]] = {}
        for index, record in enumerate(records):
            shares.setdefault(crc32(record.key) % to.partitions, []).append(index)
        addresses: dict[int, Address] = {}
        for number, indices in shares.items():
            kept = to.append(number, [records[index] for index in indices])
            addresses.update(zip(indices, kept, strict=True))
        return [addresses[index] for index in range(len(records))]

    def read(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        max_records: int = 1000,
        max_bytes: int = 8 << 20,
        wait_seconds: float = 0.0,
    ) -> list[Stored]:
        deadline = time.monotonic() + wait_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            source = self._topic(topic).partition(partition)
            found = source.read(offset, max_records, max_bytes)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return found
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

    def get(self, address: Address) -> Stored:
        return self._topic(address.topic).partition(address.partition).get(address.offset)

    def partitions(self, topic: str) -> int:
        return self._topic(topic).partitions

    def span(self, topic: str, partition: int) -> Span:
        return self._topic(topic).partition(partition).span()

    def offset_at(self, topic: str, partition: int, time_ns: int) -> int:
        return self._topic(topic).partition(partition).offset_at(time_ns)

    def join(self, group: str, topic: str, *, wait_seconds: float = 0.0) -> LocalMembership:
        self._check_open()
        return join(
            self._folder.groups,
            group,
            topic,
            self._positions,
            self._folder.partitions,
            wait_seconds,
        )

    def erase(
        self, topic: str, needles: Sequence[bytes], change: Change, tombstone: Record
    ) -> list[Address]:
        """Change records that hold one of `needles`, and leave nothing of them in the files.

        `change` answers what a record becomes: another, itself, or None for nothing; `tombstone`
        stands where a segment's last record went. Raises `LogError` when it has to be tried again.
        """
        return self._topic(topic).erase(needles, change, tombstone)

    def set_aside(self, topic: str) -> list[Path]:
        """Damaged files of the topic that were replaced and kept: `erase` does not reach them."""
        return self._topic(topic).set_aside()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            topics, self._topics = list(self._topics.values()), {}
        for topic in topics:
            topic.close()
        self._positions.close()

    def _topic(self, name: str) -> Topic:
        self._check_open()
        topic = self._topics.get(name)
        if topic is None:
            if not _NAME.fullmatch(name):
                raise ValueError(f"topic {name!r}: use letters, digits, '.', '_' and '-'")
            with self._lock:
                topic = self._topics.setdefault(
                    name, Topic(name, self._folder, self._settings, self._damages)
                )
        return topic

    def _check_open(self) -> None:
        if self._closed:
            raise LogError(f"log {self._folder.path} is closed; open it again")
        if self._process != os.getpid():
            raise LogError(
                f"log {self._folder.path} was opened by process {self._process}; "
                "open it again after a fork"
            )
