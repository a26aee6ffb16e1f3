from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sidelight.config.settings import LogSettings, ModelSettings, PredictorSettings
from sidelight.errors import DataMismatch, LogError, MalformedPayload
from sidelight.events.ids import id_text
from sidelight.log import open_log
from sidelight_explainers.logged.exchange import MOST_SEARCHES, LoggedRows, NotLogged
from tests.explainers.logging_exchanges import appended, exchange, mint

MODEL = ModelSettings(predictor=PredictorSettings(url="http://127.0.0.1:1", name="served"))


@pytest.fixture
def settings(tmp_path: Path) -> LogSettings:
    return LogSettings(url=str(tmp_path / "log"), partitions=3)


@pytest.fixture
def logged(settings: LogSettings) -> Iterator[LoggedRows]:
    rows = LoggedRows(settings)
    yield rows
    rows.close()


def test_rows_are_found_by_id_and_by_address(settings: LogSettings, logged: LoggedRows) -> None:
    log = open_log(settings)
    many = [exchange([[at, 0.5], [at, 1.5]]) for at in range(50)]
    places = [appended(log, one) for one in many]
    for at in (0, 17, 49):
        for wanted in (many[at].id, str(places[at])):
            rows = logged.rows("m", MODEL, wanted)
            assert rows.columns[0].values.tolist() == [[at, 0.5], [at, 1.5]]
            second = logged.rows("m", MODEL, wanted, 1)
            assert second.columns[0].values.tolist() == [[at, 1.5]]
    log.close()


def test_the_name_at_the_server_is_the_models_too(
    settings: LogSettings, logged: LoggedRows
) -> None:
    log = open_log(settings)
    one, other = exchange([[1.0]], "served"), exchange([[1.0]], "stranger")
    for each in (one, other):
        appended(log, each)
    assert len(logged.rows("m", MODEL, one.id)) == 1
    with pytest.raises(DataMismatch, match="was sent to model 'stranger', not to 'm'"):
        logged.rows("m", MODEL, other.id)
    with pytest.raises(DataMismatch, match="has 1 rows, the first is 0; no row 1"):
        logged.rows("m", MODEL, one.id, 1)
    log.close()


@pytest.mark.parametrize("wanted", ["", "x", "inference/0", "panes/0/1", "inference/a/1", "{}"])
def test_what_is_no_id_is_refused(logged: LoggedRows, wanted: str) -> None:
    with pytest.raises(MalformedPayload, match="neither an exchange's id nor an address"):
        logged.rows("m", MODEL, wanted)


def test_what_the_log_does_not_hold_is_told(settings: LogSettings, logged: LoggedRows) -> None:
    log = open_log(settings)
    appended(log, exchange([[1.0]]))
    for wanted in (id_text(mint()), "inference/0/99", "inference/7/0", "inference/-1/0"):
        with pytest.raises(NotLogged, match="the log"):
            logged.rows("m", MODEL, wanted)
    log.close()


def test_searches_that_take_long_do_not_hold_all_threads(logged: LoggedRows) -> None:
    asked = id_text(mint())
    with logged._lock, ThreadPoolExecutor(MOST_SEARCHES) as pool:  # as a long search does
        searches = [pool.submit(logged.rows, "m", MODEL, asked) for _ in range(MOST_SEARCHES)]
        while logged._turns._value:
            assert not any(one.done() for one in searches)
        with pytest.raises(LogError, match="3 exchanges are looked for; try again later"):
            logged.rows("m", MODEL, asked)
        logged._lock.release()
        try:
            for one in searches:
                assert isinstance(one.exception(), NotLogged)
        finally:
            logged._lock.acquire()
    with pytest.raises(NotLogged):
        logged.rows("m", MODEL, asked)


def test_a_search_ends_in_time_however_many_partitions_there_are(
    monkeypatch: pytest.MonkeyPatch, settings: LogSettings, logged: LoggedRows
) -> None:
    monkeypatch.setattr("sidelight_explainers.logged.exchange.SEARCH_SECONDS", 0.0)
    log = open_log(settings)
    wanted = id_text(mint())
    for _ in range(9):
        appended(log, exchange([[1.0]]))
    with pytest.raises(NotLogged, match="not found within 0 s; name its address"):
        logged.rows("m", MODEL, wanted)
    log.close()


def test_rows_are_found_in_a_log_on_kafka(kafka_url: str) -> None:
    from sidelight.log.kafka.plans import plans
    from sidelight.log.kafka.standing import create

    settings = LogSettings(url=kafka_url, partitions=2)
    create(settings, plans(settings))
    log = open_log(settings)
    many = [exchange([[at]]) for at in range(20)]
    places = [appended(log, one) for one in many]
    rows = LoggedRows(settings)
    for wanted in (many[7].id, str(places[7])):
        assert rows.rows("m", MODEL, wanted).columns[0].values.tolist() == [7]
    with pytest.raises(NotLogged):
        rows.rows("m", MODEL, id_text(mint()))
    rows.close()
    log.close()
