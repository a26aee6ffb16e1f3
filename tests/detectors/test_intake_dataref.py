"""Exchanges whose bodies lie in a store are scored like others; what cannot be read is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from sidelight.errors import StoreUnreachable
from sidelight.events.dataref import Keeper, referring
from sidelight.events.store import open_store
from sidelight.log import Address, Record, Stored
from sidelight_detectors.streaming.ahead import open_ahead
from sidelight_detectors.streaming.intake import (
    Faulty,
    Labelled,
    Sample,
    Skipped,
    WatchedColumns,
    take,
)
from sidelight_detectors.streaming.opened import Rows
from tests.detectors.traffic import MODEL, plan, record, rows


class Broken:
    """A store that cannot be asked."""

    url = "s3://gone/p"

    def put(self, name: str, data: bytes) -> None:
        raise StoreUnreachable(name)

    def get(self, name: str) -> bytes:
        raise StoreUnreachable(name)


def taken(one: Record, store: Keeper | None) -> Sample | Labelled | Skipped | Faulty:
    watched = {MODEL: WatchedColumns.by(replace(plan(), store=store))}
    stored = Stored(Address("inference", 0, 7), one, 2**62)
    [opened] = open_ahead([stored], watched)
    model, found = take(opened, watched, lambda exchange: True)
    assert model == MODEL
    return found


def test_bodies_in_the_store_give_the_same_rows(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/bodies")
    whole = record(rows(3, 1))
    here, elsewhere = taken(whole, store), taken(referring(whole, store), store)
    assert isinstance(here, Sample)
    assert isinstance(elsewhere, Sample)
    assert not isinstance(here.columns, Rows)
    assert not isinstance(elsewhere.columns, Rows)
    assert (here.time_ns, here.version) == (elsewhere.time_ns, elsewhere.version)
    for one, other in zip(here.columns, elsewhere.columns, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


def test_without_the_store_or_with_a_broken_one_it_is_a_dead_letter(tmp_path: Path) -> None:
    away = referring(record(rows(3, 1)), open_store(f"file://{tmp_path}/bodies"))
    nowhere = taken(away, None)
    assert isinstance(nowhere, Faulty)
    assert nowhere.reason == "malformed"
    prefix = f"file://{tmp_path}/bodies".encode()
    headers = tuple((name, text.replace(prefix, b"s3://gone/p")) for name, text in away.headers)
    broken = taken(replace(away, headers=headers), Broken())
    assert isinstance(broken, Faulty)
    assert broken.reason == "unreachable"


def test_what_is_not_scored_is_not_fetched(tmp_path: Path) -> None:
    away = referring(record(rows(3, 1), status=500), open_store(f"file://{tmp_path}/bodies"))
    found = taken(away, Broken())
    assert isinstance(found, Skipped)
    assert found.reason == "failed"
