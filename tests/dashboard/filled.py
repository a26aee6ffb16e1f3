"""A small log filled by the real scorer and decider, and the dashboard's store built from it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from sidelight.config.settings import Settings
from sidelight.events import Body
from sidelight.log import Log, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.panes import open_panes
from sidelight.redaction.references import as_logged
from sidelight.tensors import Columns
from sidelight_dashboard.following.follower import Follower
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.folder import folder_of
from sidelight_dashboard.store.opening import Store
from sidelight_detectors.service.planning import fitted_plans
from tests.detectors.traffic import MODEL, record, rows, settings, traffic
from tests.detectors.watching import watch

RUN_ROWS = 50

NO_SETTINGS: Mapping[str, Any] = {}


def drifting() -> list[Record]:
    """300 rows as the reference's, answered by version 1; then 300 older people, by version 2.

    Exchanges of ten rows come a second apart from `traffic.START_NS` on. The last one cannot be
    read, and becomes a dead letter.
    """
    return [
        *traffic(rows(300, seed=2), per_exchange=10, version="1"),
        *traffic(rows(300, seed=3, shift=1.5), per_exchange=10, first=30, version="2"),
        record(rows(1, seed=4), 60, version="2", request=Body(b"{", "application/json", size=1)),
    ]


def settings_of(
    folder: Path,
    reference: Columns | None = None,
    model: Mapping[str, Any] = NO_SETTINGS,
    **sections: Any,
) -> Settings:
    """A configuration with the model `traffic.MODEL`: two features, drift and outliers watched.

    `model` overrides its settings (``{"detectors": {...}}``), `sections` those of the services
    (``dashboard={"pane_seconds": 1}``). Reference and log lie in the folder.
    """
    path = folder / "reference.parquet"
    columns = reference or rows(2000, seed=1)
    pa.parquet.write_table(
        pa.table({column.name: column.values.tolist() for column in columns}), path
    )
    usual = settings().model_dump(mode="json", exclude_unset=True)
    document = {
        "log": {"url": str(folder / "log.db")},
        "models": {MODEL: {**usual, **model, "reference": str(path)}},
        **sections,
        "detectors": {"run_rows": RUN_ROWS, **sections.get("detectors", {})},
    }
    return as_logged(Settings.model_validate(document))


def detect(log: Log, told: Settings, records: Sequence[Record]) -> None:
    """Append the exchanges, and say all that the detectors have to say of them."""
    log.append(INFERENCE, records)
    watch(log, tuple(fitted_plans(told).values()), told.detectors)


@contextmanager
def shown(told: Settings, log: Log) -> Iterator[Showing]:
    """What pages are made from, with an empty store: `follow` fills it."""
    with closing(Store(folder_of(told))) as store, open_panes(told) as panes:
        store.prepare()
        yield Showing(told, store, log, panes, Revision())


def follow(showing: Showing) -> None:
    """Fold all that the log has by now."""
    Follower(showing, threading.Event()).catch_up()


@contextmanager
def filled(
    folder: Path, records: Sequence[Record] | None = None, told: Settings | None = None
) -> Iterator[Showing]:
    """A store that holds what the detectors said of these exchanges; of `drifting` by default."""
    told = told or settings_of(folder)
    log = MemoryLog()
    detect(log, told, drifting() if records is None else records)
    with shown(told, log) as showing:
        follow(showing)
        yield showing
