"""Tells every configured receiver of alarms, in a thread of its own."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable

import aiohttp
import apsw
import structlog
from prometheus_client import CollectorRegistry

from sidelight.errors import SidelightError
from sidelight_dashboard.delivering.delivery import Delivery
from sidelight_dashboard.delivering.metrics import DeliveryMetrics, Waiting
from sidelight_dashboard.delivering.patience import Patience
from sidelight_dashboard.delivering.receiver import receivers
from sidelight_dashboard.showing import Showing

POLL_SECONDS = 0.5
RETRY_SECONDS = 5.0

logger = structlog.get_logger("sidelight.dashboard")


class Delivering:
    """`run` until `stop`. A slow receiver holds up no other.

    `waits_for` says whether the store is behind: what is over by now would be told as standing.
    """

    def __init__(
        self,
        showing: Showing,
        waits_for: Callable[[], str | None],
        registry: CollectorRegistry,
        stop: threading.Event,
    ) -> None:
        self._showing = showing
        self._waits_for = waits_for
        self._stop = stop
        metrics, patience = DeliveryMetrics(registry), Patience(random.Random())
        self._deliveries = {
            one.name: Delivery(showing, one, metrics.of(one.name), patience)
            for one in receivers(showing.settings.dashboard.alerts)
        }
        registry.register(
            Waiting({name: one.book.waiting for name, one in self._deliveries.items()})
        )

    def run(self) -> None:
        if self._deliveries:
            asyncio.run(self._run())

    async def _run(self) -> None:
        """What is under way at the end is told again: whoever gets it twice knows it by its id."""
        async with aiohttp.ClientSession(trust_env=True) as session:
            served = [
                asyncio.create_task(self._serve(name, one, session))
                for name, one in self._deliveries.items()
            ]
            while not self._stop.is_set():
                await asyncio.sleep(POLL_SECONDS)
            for task in served:
                task.cancel()
            await asyncio.gather(*served, return_exceptions=True)

    async def _serve(self, name: str, one: Delivery, session: aiohttp.ClientSession) -> None:
        seen = -1
        while True:
            try:
                seen = self._look(one, seen)
                await one.send(session, time.time_ns())
                await asyncio.sleep(POLL_SECONDS)
            except (SidelightError, apsw.Error) as exc:
                logger.warning("cannot deliver, trying again", receiver=name, reason=str(exc))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                logger.exception("cannot deliver, trying again", receiver=name)
                await asyncio.sleep(RETRY_SECONDS)

    def _look(self, one: Delivery, seen: int) -> int:
        """The revision that it has looked at."""
        revision = self._showing.revision.number
        if revision == seen or self._waits_for() is not None:
            return seen
        one.look(time.time_ns())
        return revision
