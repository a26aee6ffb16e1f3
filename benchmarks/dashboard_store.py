"""A year of one model in the dashboard's store: what it weighs, and how fast its charts answer.

    python -m benchmarks.dashboard_store [--days 365] [--rows 1000] [--followed 2]

Fifty features (40 numbers, 10 of strings) and one output; each five minutes bring one exchange of
1000 rows, which is a pane, a window of drift and some flagged rows, told by the real scorer and
decider. Some days are followed as they come, so that all but the last are rolled up to hours; the
rest of the year are copies of the first at other times. An answer is the whole of a request for a
page or to the API, in this process: the first, for which everything has to be added up, and the
median of those after it. Targets are 300 ms for a month's chart, 500 MB for a year.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from sidelight.config.settings import Settings
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE, PANES, RESULTS
from sidelight.panes import open_panes
from sidelight.tensors import Columns
from sidelight_dashboard.app import create_app
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store
from sidelight_detectors.service.planning import fitted_plans
from tests.detectors.watching import watch

MODEL, PANES_A_DAY, DAY_NS = "wide", 288, 86_400 * 10**9
NUMBERS, STRINGS = 40, 10
BEGIN_NS = 1_700_000_000 * 10**9 // DAY_NS * DAY_NS
TIMES = 9

ANSWERS = {
    "a month of a feature": "/api/models/wide/drift/over-time?feature=n0&last=30d",
    "a year of a feature": "/api/models/wide/drift/over-time?feature=n0&last=365d",
    "a month compared anew": "/api/models/wide/drift/compare?last=30d",
    "a day compared anew": "/api/models/wide/drift/compare?last=1d",
    "a month of outliers": "/api/models/wide/outliers?last=30d",
    "the overview": "/",
    "the page of a month's drift": "/models/wide/drift?last=30d",
    "... of all its rows": "/models/wide/drift?last=30d&rows=all",
    "... of its outliers": "/models/wide/outliers?last=30d",
}


def table(count: int, seed: int) -> Columns:
    rng = np.random.default_rng(seed)
    numbers = {f"n{i}": rng.normal(0, 1, count).round(3) for i in range(NUMBERS)}
    strings = {
        f"s{i}": rng.choice(list("abcdefgh"), count, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02])
        for i in range(STRINGS)
    }
    return Columns.of(**numbers, **strings, score=rng.random(count).round(4))


def settings_at(folder: Path, rows: int) -> Settings:
    reference = table(20_000, 1)
    path = folder / "reference.parquet"
    pa.parquet.write_table(pa.table({one.name: one.values.tolist() for one in reference}), path)
    model = {
        "reference": str(path),
        "features": {**dict.fromkeys(_names("n", NUMBERS), "numeric"),
                     **dict.fromkeys(_names("s", STRINGS), "categorical")},
        "outputs": {"score": "numeric"},
        "detectors": {"drift": {"window": rows}, "outlier": {"rate": 0.01}},
    }  # fmt: skip
    document = {
        "log": {"url": str(folder / "log")},
        "models": {MODEL: model},
        "detectors": {"run_rows": rows},
        "dashboard": {"fine_seconds": 86_400, "keep_seconds": 500 * 86_400},
    }
    return Settings.model_validate(document)


def _names(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


def exchanges(count: int, rows: int) -> Iterator[Record]:
    """One each five minutes."""
    for number in range(count):
        columns = table(rows, 2 + number)
        inputs = [_tensor(columns, name) for name in columns.names if name != "score"]
        yield to_record(
            Exchange(
                id=f"exchange-{number}",
                source="/benchmark",
                time_ns=BEGIN_NS + number * 300 * 10**9,
                duration_ns=1,
                method="POST",
                path=f"/v2/models/{MODEL}/infer",
                protocol="v2",
                model=MODEL,
                version="1",
                status=200,
                outcome="answered",
                request=_body({"inputs": inputs}),
                response=_body({"model_name": MODEL, "outputs": [_tensor(columns, "score")]}),
            )
        )


def _tensor(columns: Columns, name: str) -> dict[str, object]:
    values = columns[name].values.tolist()
    datatype = "BYTES" if name.startswith("s") and name != "score" else "FP64"
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}


def _body(document: object) -> Body:
    content = orjson.dumps(document)
    return Body(content, "application/json", size=len(content))


@dataclass(frozen=True)
class Copied:
    """What a table's rows are known by and which of its columns are times."""

    table: str
    times: tuple[str, ...]
    key: str = ""


COPIED = (
    Copied("slot", ("begin_ns", "first_ns", "last_ns")),
    Copied("point", ("begin_ns", "end_ns")),
    Copied("judged", ("begin_ns", "end_ns"), "id"),
    Copied("flagged", ("time_ns",), "id"),
)


def copy_first_day(store: Store, days: int) -> None:
    """The first day again, on each of so many days before it."""
    with store.series.writing() as series:
        for one in COPIED:
            columns = [row[1] for row in series.execute(f"PRAGMA table_info({one.table})")]
            chosen = ", ".join(_shifted(one, name) for name in columns)
            series.executemany(
                f"INSERT INTO {one.table} SELECT {chosen} FROM {one.table}"  # noqa: S608
                f" WHERE {one.times[-1]} BETWEEN :begin AND :end",
                [
                    {"back": day * DAY_NS, "begin": BEGIN_NS, "end": BEGIN_NS + DAY_NS - 1}
                    for day in range(1, days)
                ],
            )
        back = {"back": (days - 1) * DAY_NS}
        series.execute("UPDATE version SET first_ns = first_ns - :back", back)


def _shifted(copied: Copied, name: str) -> str:
    if name in copied.times:
        return f"{name} - :back"
    return f"{name} || :back" if name == copied.key else name


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--followed", type=int, default=2)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        told, log = settings_at(Path(folder), asked.rows), MemoryLog()
        log.append(INFERENCE, list(exchanges(asked.followed * PANES_A_DAY + 12, asked.rows)))
        watch(log, tuple(fitted_plans(told).values()), told.detectors)
        with open_panes(told) as panes:
            store = Store(Path(folder) / "store")
            store.prepare()
            showing = Showing(told, store, log, panes, Revision())
            _follow(showing)
            copy_first_day(store, asked.days - asked.followed + 1)
            _weigh(store)
            _ask(showing)
            store.close()


def _follow(showing: Showing) -> None:
    begun = time.perf_counter()
    Follower(showing, threading.Event()).catch_up()
    seconds = time.perf_counter() - begun
    panes, results = (showing.log.span(topic, 0).end for topic in (PANES, RESULTS))
    print(f"{panes} panes and {results} results followed in {seconds:.1f} s")


def _weigh(store: Store) -> None:
    store.series.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    print(f"{'series.db':<28}{store.series.path.stat().st_size / 1e6:8.0f} MB")
    for one in COPIED:
        ((count,),) = store.series.rows(f"SELECT count(*) FROM {one.table}")  # noqa: S608
        print(f"  {one.table:<26}{count:8d} rows")


def _ask(showing: Showing) -> None:
    app = create_app(showing, CollectorRegistry(), lambda: None)
    client = TestClient(app, base_url=f"http://{showing.settings.dashboard.listen}")
    for name, path in ANSWERS.items():
        first, _ = _answered(client, path)
        wall, cpu = zip(*(_answered(client, path) for _ in range(TIMES)), strict=True)
        print(
            f"{name:<28}{1e3 * statistics.median(wall):8.0f} ms   "
            f"of the processor {1e3 * statistics.median(cpu):.0f} ms   first {1e3 * first:.0f} ms"
        )


def _answered(client: TestClient, path: str) -> tuple[float, float]:
    """Seconds by the clock, and of the processor, which others do not slow down."""
    begun, used = time.perf_counter(), time.process_time()
    answer = client.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text[:300]}")
    return time.perf_counter() - begun, time.process_time() - used


if __name__ == "__main__":
    main()
