"""How a sink that fails is waited for: for ever, told of, until a stop and its grace are over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import count
from threading import Event
from typing import TypeVar

import structlog

from sidelight_logger.shipper.carrying.fates import SinkFailed, Stopped
from sidelight_logger.wire.sinks import SINK_FAILURES

_TELL_AGAIN_SECONDS = 10.0
_LAST_WAIT_SECONDS = 1.0
"""Between two tries after a stop: little time is left."""
_SLOW_SECONDS = 5.0
"""A try that lasts longer is told of before it has failed."""
Result = TypeVar("Result")


class Backoff:
    """Waits that double, each drawn between half and all of its length."""

    def __init__(
        self, first_seconds: float = 0.1, longest_seconds: float = 30.0, seed: int | None = None
    ) -> None:
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._random = random.Random(seed)
        self._failures = 0

    def succeeded(self) -> None:
        self._failures = 0

    def next_seconds(self, advised_seconds: float) -> float:
        """How long to wait now; never less than the sink advises."""
        doubled = self._first_seconds * 2.0 ** min(self._failures, 30)
        self._failures += 1
        whole = min(doubled, self._longest_seconds)
        return max(advised_seconds, whole * self._random.uniform(0.5, 1.0))


class Patience:
    """Tries again, counts why, tells it every ten seconds.

    After a stop a sink that takes what it gets is given all that is there, for `grace_seconds`; one
    that fails is asked for `failing_grace_seconds` more, which is worth the wait only where what is
    not delivered is lost.
    `failures` by reason, `trouble` and `tell` may be used from another thread.
    """

    def __init__(
        self,
        name: str,
        stop: Event,
        grace_seconds: float,
        backoff: Backoff | None = None,
        failing_grace_seconds: float = 0.0,
    ) -> None:
        self.failures = dict.fromkeys(SINK_FAILURES, 0)
        self._name = name
        self._stop = stop
        self._grace_seconds = grace_seconds
        self._backoff = backoff or Backoff()
        self._failing_grace_seconds = failing_grace_seconds
        self._failed = ""
        self._asked_at = float("inf")
        self._until = float("inf")
        self._failing_until = float("inf")
        self._silent_until = 0.0

    @property
    def trouble(self) -> str:
        """Why the sink takes nothing now; empty while it does."""
        waited = time.monotonic() - self._asked_at
        if not self._failed and waited > _SLOW_SECONDS:
            return f"no answer for {waited:.0f} s"
        return self._failed

    def tell(self) -> None:
        """Log the trouble, if there is one that was not told for a while."""
        trouble = self.trouble
        if trouble and time.monotonic() >= self._silent_until:
            self._silent_until = time.monotonic() + _TELL_AGAIN_SECONDS
            self._logger().warning("sink failed", cause=trouble)

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def rest(self, seconds: float) -> None:
        """Wait, at most until the stop."""
        self._stop.wait(seconds)

    def check_grace(self) -> None:
        """Raises `Stopped` when the time that a stop leaves is over."""
        if not self._stop.is_set():
            return
        now = time.monotonic()
        self._until = min(self._until, now + self._grace_seconds)
        self._failing_until = min(self._failing_until, now + self._failing_grace_seconds)
        if now >= self._until:
            raise Stopped

    def insist(
        self,
        attempt: Callable[[], Result],
        suspect: Callable[[SinkFailed, int], None] = lambda failed, tries: None,
    ) -> Result:
        """The result of the first attempt that does not raise `SinkFailed`.

        `suspect` is asked after each failure and may raise to give the attempt up. Raises `Stopped`
        when a stop was asked for and the sink fails.
        """
        for tries in count(1):
            self.check_grace()
            self._asked_at = time.monotonic()
            try:
                result = attempt()
            except SinkFailed as failed:
                self._failed = str(failed)
                self.failures[failed.reason] += 1
                suspect(failed, tries)
                self._wait(failed)
            else:
                self._succeeded()
                return result
            finally:
                self._asked_at = float("inf")
        raise AssertionError("unreachable")

    def _succeeded(self) -> None:
        self._backoff.succeeded()
        if self._failed:
            self._failed = ""
            self._logger().info("sink takes records again")

    def _wait(self, failed: SinkFailed) -> None:
        self.tell()
        seconds = self._backoff.next_seconds(failed.after_seconds)
        if not self._stop.wait(seconds):
            return
        self.check_grace()
        left = min(self._until, self._failing_until) - time.monotonic()
        if left <= 0:
            raise Stopped
        time.sleep(min(left, seconds, _LAST_WAIT_SECONDS))

    def _logger(self) -> structlog.stdlib.BoundLogger:
        logger: structlog.stdlib.BoundLogger = structlog.get_logger("sidelight.shipper")
        return logger.bind(sink=self._name)
