"""The engines that the contract is held against; a new one is one more entry of `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.log import Log, open_log
from sidelight.log.testing import MemoryLog

PARTITIONS = 3


class LogEngine(Protocol):
    """A fresh place for a log, which may be opened several times."""

    @property
    def lasting(self) -> bool:
        """Whether other processes and later opens see the same log."""
        ...

    @property
    def sharing(self) -> bool:
        """Whether the consumers of a group share its partitions, or one has them all."""
        ...

    def settings(self) -> LogSettings:
        """What a process of its own opens the same log with."""
        ...

    def open(self) -> Log: ...

    def close(self) -> None:
        """Close whatever was opened."""
        ...


class LocalEngine:
    """Small segments, so that the contract is also held across them."""

    lasting = True
    sharing = False

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._place: Path = request.getfixturevalue("tmp_path")
        self._opened: list[Log] = []

    def settings(self) -> LogSettings:
        return LogSettings(
            url=str(self._place / "log"), partitions=PARTITIONS, segment_bytes=64 << 10
        )

    def open(self) -> Log:
        log = open_log(self.settings())
        self._opened.append(log)
        return log

    def close(self) -> None:
        for log in self._opened:
            log.close()


class MemoryEngine:
    """One log, whoever opens it; gone with the process."""

    lasting = False
    sharing = False

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._log = MemoryLog(PARTITIONS)

    def settings(self) -> LogSettings:
        raise NotImplementedError("a log in memory cannot be opened by another process")

    def open(self) -> Log:
        return self._log

    def close(self) -> None:
        self._log.close()


class KafkaEngine:
    """Topics of its own on the run's broker."""

    lasting = True
    sharing = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._url: str = request.getfixturevalue("kafka_url")
        self._opened: list[Log] = []
        from sidelight.log.kafka.plans import plans
        from sidelight.log.kafka.standing import create

        create(self.settings(), plans(self.settings()))

    def settings(self) -> LogSettings:
        return LogSettings(
            url=self._url, partitions=PARTITIONS, kafka=KafkaSettings(session_seconds=2)
        )

    def open(self) -> Log:
        log = open_log(self.settings())
        self._opened.append(log)
        return log

    def close(self) -> None:
        for log in self._opened:
            log.close()


ENGINES: dict[str, Callable[[pytest.FixtureRequest], LogEngine]] = {
    "kafka": KafkaEngine,
    "local": LocalEngine,
    "memory": MemoryEngine,
}
