"""The two files: whole or nothing, one writer, built again where that is possible."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from sidelight.errors import ConfigError
from sidelight_dashboard.store.locking import held
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.store.rows import Values, add, found, put

ORIGIN = {"log_id": "a"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "folder")) as made:
        made.prepare()
        yield made


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with pytest.raises(apsw.ConstraintError):
        _write_and_fail(store)

    assert store.series.rows("SELECT * FROM origin") == []


def _write_and_fail(store: Store) -> None:
    with store.series.writing() as series:
        add(series, "origin", ORIGIN)
        series.execute("INSERT INTO version VALUES ('m', '1', NULL, NULL)")


def test_a_row_whose_key_is_there_is_not_new_and_changes_nothing(store: Store) -> None:
    version: Values = {"model": "m", "version": "1", "first_ns": 1, "last_ns": 2}
    with store.series.writing() as series:
        assert add(series, "version", version)
        assert not add(series, "version", {**version, "last_ns": 3})

    assert store.series.rows("SELECT last_ns FROM version") == [(2,)]


def test_put_takes_the_place_of_the_row_with_its_key(store: Store) -> None:
    version: Values = {"model": "m", "version": "1", "first_ns": 1, "last_ns": 2}
    with store.series.writing() as series:
        put(series, "version", version)
        put(series, "version", {**version, "last_ns": 3})
        assert found(series, "SELECT last_ns FROM version", ()) == [(3,)]


def test_readers_in_other_threads_see_what_is_committed_and_no_more(store: Store) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(len(store.series.rows("SELECT * FROM origin")))

    with store.series.writing() as series:
        add(series, "origin", ORIGIN)
        _in_a_thread(look)
    _in_a_thread(look)

    assert seen == [0, 1]


def _in_a_thread(look: Callable[[], None]) -> None:
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()


def test_series_of_another_format_are_thrown_away_and_what_is_kept_is_not(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        store.prepare()
        with store.series.writing() as series, store.kept.writing() as kept:
            add(series, "origin", ORIGIN)
            series.execute("CREATE TABLE old (id)")
            series.execute("PRAGMA user_version = 1")
            kept.execute("CREATE TABLE mine (id)")
    with closing(Store(tmp_path)) as store:
        store.prepare()
        assert store.series.rows("SELECT * FROM origin") == []
        assert store.series.rows("SELECT * FROM sqlite_schema WHERE name = 'old'") == []
        assert store.kept.rows("SELECT * FROM mine") == []


def test_damaged_series_are_built_again(tmp_path: Path) -> None:
    (tmp_path / "series.db").write_bytes(b"no database" * 1000)

    with closing(Store(tmp_path)) as store:
        store.prepare()
        assert store.series.rows("SELECT * FROM slot") == []


def test_damage_to_what_is_kept_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "kept.db").write_bytes(b"no database" * 1000)

    with closing(Store(tmp_path)) as store, pytest.raises(ConfigError, match="put back a copy"):
        store.prepare()


def test_a_folder_is_one_dashboards(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(ConfigError, match="another dashboard"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"dashboard\.folder"):
        Store(tmp_path / "file" / "folder")
