"""A store to be changed: a copy of one that others read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.store.opening import Store


@contextmanager
def copied(showing: Showing, folder: Path) -> Iterator[Showing]:
    """The same log, and its own series."""
    showing.store.series.rows("VACUUM INTO ?", (str(folder / "series.db"),))
    with closing(Store(folder)) as store:
        store.prepare()
        yield replace(showing, store=store, revision=Revision())


def change(showing: Showing, statement: str, given: dict[str, Any] | None = None) -> None:
    """One statement in its `series`."""
    with showing.store.series.writing() as series:
        series.execute(statement, given or {})
