"""Real processes over a real log: killed at any time, nothing is lost, counted or told twice."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidelight.config.settings import LogSettings, Settings
from sidelight.log import Log, open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.topics import INFERENCE
from sidelight_dashboard.store.opening import Store
from tests.dashboard.filled import follow, settings_of, shown
from tests.dashboard.scraping import until
from tests.dashboard.test_follow import dump
from tests.dashboard.told import Inbox, inbox
from tests.detectors.traffic import rows, traffic
from tests.kafka import Kafka
from tests.ports import free_port

ROWS = 6000
KILLS = 12
SECONDS = 240.0


@dataclass
class Service:
    """A process of ours that is killed and started again."""

    name: str
    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "sidelight.command", self.name, "--config"]
        with (self.config.parent / f"{self.name}.log").open("ab") as said:
            self.process = subprocess.Popen([*command, str(self.config)], stdout=said, stderr=said)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(*services: Service) -> Iterator[None]:
    try:
        for service in services:
            service.start()
        yield
    finally:
        for service in services:
            service.kill()


def configured(folder: Path, hook: str, log: LogSettings) -> tuple[Settings, Path]:
    told = settings_of(
        folder,
        detectors={"listen": f"127.0.0.1:{free_port()}", "run_seconds": 0.1},
        dashboard={
            "listen": f"127.0.0.1:{free_port()}",
            "folder": str(folder / "own"),
            "alerts": {"webhooks": {"hook": {"url": hook}}},
        },
    ).model_copy(update={"log": log})
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(told.model_dump(mode="json", exclude_unset=True)))
    return told, file


def send(log: Log, between: Callable[[], None]) -> None:
    """Rows, a third of them of other people, and something that happens between each portion."""
    size = ROWS // KILLS
    for number in range(KILLS):
        table = rows(size, seed=number, shift=1.5 * (KILLS // 3 <= number < 2 * KILLS // 3))
        log.append(INFERENCE, traffic(table, 10, first=number * size // 10, version="1"))
        between()


def is_ready(told: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://{told.dashboard.listen}/readyz", timeout=10):
            return True
    except (urllib.error.URLError, OSError):
        return False


def is_followed(told: Settings, store: Store) -> bool:
    """Whether all rows are there, and nothing that was said of them waits to be read."""
    try:
        with urllib.request.urlopen(f"http://{told.dashboard.listen}/metrics", timeout=10) as page:
            lines = page.read().decode().splitlines()
    except (urllib.error.URLError, OSError):
        return False
    lag = [line for line in lines if line.startswith("sidelight_dashboard_lag_records{")]
    read = bool(lag) and all(line.endswith(" 0.0") for line in lag)
    return read and store.series.rows("SELECT sum(rows) FROM slot") == [(ROWS,)]


def rebuilt(told: Settings, log: Log, folder: Path) -> dict[str, list[Any]]:
    """What a dashboard makes of the log that was never killed."""
    own = told.dashboard.model_copy(update={"folder": folder})
    with shown(told.model_copy(update={"dashboard": own}), log) as showing:
        follow(showing)
        return dump(showing.store)


def endured(told: Settings, config: Path, box: Inbox, harm: Callable[[int], None]) -> None:
    """Both services die at moments of chance's choosing; then the store is as if they had not."""
    chance = random.Random(1)
    dashboard, detectors = Service("dashboard", config), Service("detectors", config)
    kills = iter(range(KILLS))

    def between() -> None:
        number = next(kills)
        if number % 2:
            until(lambda: is_ready(told), 60)
        time.sleep(chance.uniform(0.2, 3))
        victim = detectors if number % 4 == 3 else dashboard
        victim.kill()
        harm(number)
        victim.start()

    with ExitStack() as stack:
        log = stack.enter_context(closing(open_log(told.log)))
        stack.enter_context(running(dashboard, detectors))
        until(lambda: is_ready(told), 60)  # Who is told of alarms is told of those from now on.
        send(log, between)
        store = stack.enter_context(closing(Store(config.parent / "own")))
        until(lambda: is_followed(told, store), SECONDS)
        until(lambda: is_told(store, box), 60)
        time.sleep(3)
        assert is_told(store, box)
        dashboard.kill()
        assert dump(store) == rebuilt(told, log, config.parent / "anew")
        assert store.series.rows("SELECT sum(gaps) FROM chain") == [(0,)]


def is_told(store: Store, box: Inbox) -> bool:
    """Whether each alarm was told under one id for each change, and no other."""
    ((raised, cleared),) = store.series.rows("SELECT count(*), count(cleared_ns) FROM alarm")
    return bool(raised) and len({one["id"] for one in box.bodies}) == int(raised + cleared)


@pytest.mark.soak
def test_a_local_logs_dashboard_endures_kills_under_traffic(tmp_path: Path) -> None:
    with inbox() as box:
        log = LogSettings(url=str(tmp_path / "log"))
        endured(*configured(tmp_path, box.url, log), box, lambda _: None)


@pytest.mark.soak
def test_a_brokers_dashboard_endures_kills_of_the_broker_too(
    own_broker: Any, tmp_path: Path
) -> None:
    log = LogSettings(url=Kafka(own_broker.bootstrap).fresh_url(), partitions=3)
    create(log, plans(log))

    def harm(number: int) -> None:
        if number in (3, 6):
            own_broker.kill()
            own_broker.start()

    with inbox() as box:
        endured(*configured(tmp_path, box.url, log), box, harm)
