"""Rows as mappings into tables, and out of a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import apsw

Row = tuple[Any, ...]

Value = str | int | float | bytes | None
Values = Mapping[str, Value]
"""A row by the names of its columns."""


def found(connection: apsw.Connection, query: str, given: Sequence[Value]) -> list[Row]:
    """What the query finds within this transaction."""
    return connection.execute(query, given).fetchall()


def add(connection: apsw.Connection, table: str, row: Values) -> bool:
    """Insert the row unless its key is there; whether it was new."""
    names = tuple(row)
    connection.execute(_insert(table, names) + " ON CONFLICT DO NOTHING", tuple(row.values()))
    return bool(connection.changes())


def put(connection: apsw.Connection, table: str, row: Values) -> None:
    """Insert the row, in the place of one with its key."""
    names = tuple(row)
    changed = ", ".join(f"{name} = excluded.{name}" for name in names)
    query = f"{_insert(table, names)} ON CONFLICT DO UPDATE SET {changed}"
    connection.execute(query, tuple(row.values()))


@cache
def _insert(table: str, names: tuple[str, ...]) -> str:
    # Both come from our code alone, never from what is inserted.
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
