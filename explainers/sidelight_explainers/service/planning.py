"""From a decoded request to the explanations it comes to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sidelight.config.explaining.service import ExplainersSettings
from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.tensors import Columns
from sidelight_explainers.logged.exchange import LoggedRows
from sidelight_explainers.models import Explained
from sidelight_explainers.service.asked import WISHES, Asked, Logged, read_wishes
from sidelight_explainers.wishes import Wish, wish


@dataclass(frozen=True)
class Plan:
    """A request that can be explained: `parts` are the rows of each explanation."""

    model: Explained
    asked: Asked
    wish: Wish
    parts: tuple[Columns, ...]

    def without_rows(self) -> Plan:
        """What an answer needs to be written: the rows are explained, and not kept."""
        none = Columns(())
        asked = replace(self.asked, rows=none, parameters={})
        return replace(self, asked=asked, parts=(none,) * len(self.parts))


def planned(
    model: Explained, asked: Asked, logged: LoggedRows, settings: ExplainersSettings
) -> Plan:
    """One explanation a row, or one over all of them where the method explains the model.

    Raises `MalformedPayload`, `LimitExceeded`, and what `LoggedRows.rows` raises.
    """
    wished = read_wishes(asked.parameters)
    chosen = wish(model, wished.options, WISHES)
    rows = asked.rows if wished.logged is None else _logged(model, asked, wished.logged, logged)
    if chosen.options.scope == "global":
        _refuse_many(len(rows), settings.max_table, "max_table")
        return Plan(model, asked, chosen, (rows,))
    if len(rows) == 0:
        raise MalformedPayload("there are no rows; send at least one, or name a logged exchange")
    _refuse_many(len(rows), settings.max_rows, "max_rows")
    return Plan(model, asked, chosen, tuple(rows.take([at]) for at in range(len(rows))))


def _logged(model: Explained, asked: Asked, told: Logged, logged: LoggedRows) -> Columns:
    if len(asked.rows):
        raise MalformedPayload("send rows or name an exchange, not both", where=WISHES)
    return logged.rows(model.name, model.subject.settings, told.exchange, told.row)


def _refuse_many(rows: int, most: int, setting: str) -> None:
    if rows > most:
        raise LimitExceeded(
            f"{rows} rows; this service explains up to {most} at once (explainers.{setting})"
        )
