"""Explanations in `kept.db`."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sidelight_dashboard.store.opening import Row, Store

_PUT = """INSERT OR REPLACE INTO explanation
  (id, model, version, exchange, row, method, options, created_ns, took_ns, asked_by, data)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_ONE = """SELECT
  id, model, version, exchange, row, method, options, created_ns, took_ns, asked_by, data
  FROM explanation WHERE id = ?"""
_OF_ROW = """SELECT
  id, model, version, exchange, row, method, options, created_ns, took_ns, asked_by
  FROM explanation WHERE exchange = ? AND row = ? ORDER BY created_ns DESC LIMIT ?"""
MOST_OF_ROW = 100
"""Explanations of one row that are listed."""


@dataclass(frozen=True)
class Head:
    """What was asked of which row, when, by whom and for how long; times by this machine's clock.

    `model_version` is that of the row's answer.
    """

    id: str
    model: str
    model_version: str
    exchange: str
    row: int
    method: str
    options: Mapping[str, Any]
    created_ns: int
    took_ns: int
    asked_by: str


@dataclass(frozen=True)
class Kept:
    """An explanation that is done; `explanation` as the explain service gave it."""

    head: Head
    explanation: Mapping[str, Any]


def keep(store: Store, kept: Kept, forget_before_ns: int) -> None:
    """Put it there for good, until it is older than all that is kept."""
    head = kept.head
    with store.kept.writing() as writing:
        writing.execute(
            _PUT,
            (
                head.id,
                head.model,
                head.model_version,
                head.exchange,
                head.row,
                head.method,
                orjson.dumps(head.options).decode(),
                head.created_ns,
                head.took_ns,
                head.asked_by,
                zlib.compress(orjson.dumps(kept.explanation)),
            ),
        )
        writing.execute("DELETE FROM explanation WHERE created_ns < ?", (forget_before_ns,))


def kept_one(store: Store, id_: str) -> Kept | None:
    found = store.kept.rows(_ONE, (id_,))
    if not found:
        return None
    (*head, data) = found[0]
    return Kept(_head(tuple(head)), orjson.loads(zlib.decompress(data)))


def kept_of_row(store: Store, exchange: str, row: int) -> tuple[Head, ...]:
    """Newest first."""
    found = store.kept.rows(_OF_ROW, (exchange, row, MOST_OF_ROW))
    return tuple(map(_head, found))


def forget(store: Store, id_: str) -> bool:
    """Whether there was one."""
    with store.kept.writing() as writing:
        writing.execute("DELETE FROM explanation WHERE id = ?", (id_,))
        return bool(writing.changes())


def _head(row: Row) -> Head:
    id_, model, version, exchange, number, method, options, *rest = row
    return Head(id_, model, version, exchange, number, method, orjson.loads(options), *rest)
