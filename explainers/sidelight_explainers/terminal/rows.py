"""Rows of a file or of the log, explained as the service would."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sidelight.config import Settings, load
from sidelight.config.explaining.of_model import ALIBI, ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.probes import mark_of
from sidelight.tables import read_table
from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.logged.exchange import LoggedRows
from sidelight_explainers.methods import OPENING as METHODS
from sidelight_explainers.models import PURPOSE, Explained, open_model
from sidelight_explainers.wishes import Wish

DEFAULT = "shapley"
"""The method where none is configured or named."""

AT_ONCE = 8
"""Rows explained at one time; their questions travel together."""


@dataclass(frozen=True)
class Source:
    """Where rows come from: a file, or an exchange of the log by its id or address; and which of
    them (the first is 0), all when none is named."""

    file: Path | None
    exchange: str | None
    rows: tuple[int, ...]

    def read(self, settings: Settings, name: str) -> Columns:
        """The rows; none without file and exchange."""
        table = self._table(settings, name)
        for row in self.rows:
            if row >= len(table):
                told = self.exchange or self.file
                raise DataMismatch(
                    f"{told} has {len(table)} rows, the first is 0; there is no row {row}"
                )
        return table.take(list(self.rows)) if self.rows else table

    def _table(self, settings: Settings, name: str) -> Columns:
        if self.exchange is not None:
            with closing(LoggedRows(settings.log)) as logged:
                return logged.rows(name, settings.models[name], self.exchange)
        return Columns(()) if self.file is None else read_table(self.file)


@contextmanager
def opened(settings: Settings, name: str, method: str | None) -> Iterator[Explained]:
    """The model with the method of that name, by its configuration or by defaults; with its first
    where none is named."""
    model = settings.models[name]
    chosen = model.model_copy(update={"explainers": _explainers(model, method)})
    mark = mark_of(settings, model.predictor, PURPOSE)
    explained = open_model(name, chosen, mark, settings.log)
    try:
        yield explained
    finally:
        explained.close()


def _explainers(model: ModelSettings, method: str | None) -> ModelExplainers:
    """Of the configured explainers only that one, with all else that is set for them."""
    configured = dict(model.explainers.methods())
    name = method or next(iter(configured), DEFAULT)
    if name.startswith(ALIBI):
        return model.explainers
    if name not in METHODS:
        known = ", ".join(sorted({*METHODS, *configured}))
        raise ConfigError(f"--method: there is no {name!r}; there are {known}")
    chosen = configured.get(name) or getattr(ModelExplainers.model_validate({name: {}}), name)
    nothing = dict.fromkeys((*METHODS, ALIBI.removesuffix(".")))
    return model.explainers.model_copy(update={**nothing, name: chosen})


def explain_rows(model: Explained, asked: Wish, rows: Columns) -> Iterator[Explanation]:
    """One of each row; one of all together by a method that explains the model."""
    if asked.options.scope == "global":
        yield model.explain(asked.method, asked.options, rows if len(rows) else _none(model))
        return
    if not len(rows):
        raise ConfigError(f"{asked.method} explains rows: name a FILE, or --exchange ID")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(
            lambda at: model.explain(asked.method, asked.options, rows.take([at])),
            range(len(rows)),
        )


def _none(model: Explained) -> Columns:
    """The model then explains itself over its reference."""
    return model.example.take(slice(0))


def settings_and_name(config: Path | None, wanted: str | None) -> tuple[Settings, str]:
    """The configuration, and the model to explain; the only one where none is named."""
    settings = load(config).settings
    known = list(settings.models)
    if not known:
        raise ConfigError("no model is configured; name one under models.<name>")
    if wanted is None and len(known) > 1:
        raise ConfigError(f"name one of {', '.join(known)} with --model")
    chosen = wanted or known[0]
    if chosen not in known:
        raise ConfigError(f"there is no model {chosen!r}; there are {', '.join(known)}")
    return settings, chosen
