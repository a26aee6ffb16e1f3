"""What happens to series.db while the dashboard runs: it is built again, and pages have it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest

from sidelight.config.settings import Settings
from sidelight.log import Log
from sidelight.log.testing import MemoryLog
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from tests.dashboard.browsing import client
from tests.dashboard.filled import detect, drifting, follow, settings_of, shown
from tests.dashboard.test_follow import dump, wait_until


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    return settings_of(tmp_path, dashboard={"folder": str(tmp_path / "own")})


@pytest.fixture
def log(told: Settings) -> Log:
    made = MemoryLog()
    detect(made, told, drifting())
    return made


def delete(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def delete_alone(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def spoil(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(os.urandom(file.stat().st_size))


def replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(b"no database" * 10_000)
    other.replace(file)


@contextmanager
def following(showing: Showing) -> Iterator[Follower]:
    stop = threading.Event()
    follower = Follower(showing, stop)
    thread = threading.Thread(target=follower.run)
    thread.start()
    try:
        yield follower
    finally:
        stop.set()
        thread.join()


def read_anew(store: Store) -> dict[str, list[Any]] | None:
    """What a thread finds that had no connection before."""

    def read() -> dict[str, list[Any]] | None:
        with suppress(apsw.Error):
            return dump(store)
        return None

    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(read).result()


@pytest.mark.parametrize("damage", [delete, delete_alone, cut, empty, spoil, replace])
def test_series_that_are_damaged_under_way_are_built_again(
    told: Settings, log: Log, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None]
) -> None:
    monkeypatch.setattr("sidelight_dashboard.following.follower.RETRY_SECONDS", 0.01)
    with shown(told, log) as showing, ThreadPoolExecutor(1) as reader:
        follow(showing)
        usual = reader.submit(dump, showing.store).result()
        showing.store.series.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        with following(showing) as follower:
            wait_until(lambda: follower.waits_for is None)
            damage(showing.store.series.path)
            wait_until(lambda: read_anew(showing.store) == usual)
            wait_until(lambda: follower.waits_for is None)
        assert reader.submit(dump, showing.store).result() == usual
        assert showing.store.series.rows("PRAGMA integrity_check") == [("ok",)]


def test_it_is_not_ready_while_its_series_are_built_again(told: Settings, log: Log) -> None:
    with shown(told, log) as showing:
        stop = threading.Event()
        follower = Follower(showing, stop)
        follower.catch_up()
        delete(showing.store.series.path)
        stop.set()  # After the first round.
        heard: list[str | None] = []
        showing.revision.rise = lambda: heard.append(follower.waits_for)  # type: ignore[method-assign]
        follower.catch_up()

    assert heard
    assert None not in heard


def test_a_page_says_that_the_store_cannot_be_read(told: Settings, log: Log) -> None:
    with shown(told, log) as showing:
        follow(showing)
        showing.store.series.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        spoil(showing.store.series.path)
        asking = client(showing)
        for path in ("/", "/api/alarms"):
            answer = asking.get(path)
            assert answer.status_code == 503
            assert "own store cannot be read" in answer.text
            assert answer.headers["retry-after"]
