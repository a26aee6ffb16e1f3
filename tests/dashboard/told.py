"""Receivers of alarms for tests: one that does as it is told, and a real Alertmanager."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client import CollectorRegistry

from sidelight.config.showing.telling import AlertsSettings
from sidelight_dashboard.delivering.delivery import Delivery
from sidelight_dashboard.delivering.metrics import DeliveryMetrics
from sidelight_dashboard.delivering.patience import Patience
from sidelight_dashboard.delivering.receiver import Receiver, receivers
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS
from tests.dashboard.scraping import until
from tests.logger.serving import Handler, served
from tests.ports import free_port

NOW_NS = 1_800_000_000 * NS
Json = dict[str, Any]


@dataclass
class Inbox:
    """What came; `answers` are given in turn, 200 after the last of them."""

    url: str = ""
    answers: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def inbox() -> Iterator[Inbox]:
    box = Inbox()

    class Taking(Handler):
        def do_POST(self) -> None:
            box.bodies.append(json.loads(self.body()))
            box.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, headers = box.answers.pop(0) if box.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

    handler: type[BaseHTTPRequestHandler] = Taking
    with served(handler) as url:
        box.url = f"{url}/hook"
        yield box


@dataclass
class Telling:
    """One receiver's deliveries, with a clock that stands until it is moved."""

    showing: Showing
    receiver: Receiver
    now_ns: int = NOW_NS
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new process: only what is in the store is left."""
        self.registry = CollectorRegistry()
        counted = DeliveryMetrics(self.registry).of(self.receiver.name)
        patience = Patience(random.Random(1))
        self.delivery = Delivery(self.showing, self.receiver, counted, patience)

    def turn(self, seconds: float = 0.0) -> None:
        """So much later: look, and send what is due."""
        self.now_ns += int(seconds * NS)
        self.delivery.look(self.now_ns)
        asyncio.run(self.send())

    def counted(self, outcome: str) -> float | None:
        labels = {"receiver": self.receiver.name, "outcome": outcome}
        return self.registry.get_sample_value("sidelight_dashboard_deliveries_total", labels)

    async def send(self) -> None:
        async with aiohttp.ClientSession() as session:
            await self.delivery.send(session, self.now_ns)


def telling(showing: Showing, url: str, kind: str = "webhooks", **settings: Any) -> Telling:
    alerts = AlertsSettings.model_validate({kind: {"pager": {"url": url, **settings}}})
    (receiver,) = receivers(alerts)
    return Telling(showing, receiver)


def change(showing: Showing, query: str) -> None:
    """Alarms as the follower would have left them."""
    with showing.store.series.writing() as series:
        series.execute(query)


def state_of(showing: Showing) -> list[tuple[Any, ...]]:
    query = "SELECT change, state, tries FROM delivery WHERE change != 'since' ORDER BY change DESC"
    return showing.store.kept.rows(query)


@dataclass(frozen=True)
class Alertmanager:
    """A real one at work."""

    address: str

    def alerts(self) -> list[Json]:
        with urllib.request.urlopen(f"http://{self.address}/api/v2/alerts", timeout=5) as answer:
            found: list[Json] = json.load(answer)
        return found

    def answers(self) -> bool:
        try:
            return self.alerts() == []
        except OSError:
            return False


@contextmanager
def alertmanager(folder: Path) -> Iterator[Alertmanager]:
    running = Alertmanager(f"127.0.0.1:{free_port()}")
    file = folder / "alertmanager.yml"
    file.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    command = ["prometheus-alertmanager", f"--config.file={file}", "--cluster.listen-address="]
    command += [f"--web.listen-address={running.address}", f"--storage.path={folder / 'am'}"]
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(running.answers)
        yield running
    finally:
        process.terminate()
        process.wait(30)
