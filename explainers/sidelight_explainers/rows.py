"""One row of a file, explained as the service would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from sidelight.config import Settings, load
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.probes import mark_of
from sidelight.tables import read_table
from sidelight.tensors import Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import PURPOSE, open_model
from sidelight_explainers.wishes import wish


def explain_row(
    config: Path | None, file: Path, row: int, name: str | None, told: Mapping[str, Any]
) -> Explanation:
    """That row (the first is 0) of a CSV or Parquet file, by the configured model."""
    settings = load(config).settings
    chosen = _model_name(file, settings, name)
    mark = mark_of(settings, settings.models[chosen].predictor, PURPOSE)
    opened = open_model(chosen, _explained(settings.models[chosen]), mark)
    try:
        asked = wish(opened, told, "option")
        return opened.explain(asked.method, asked.options, _row(file, row))
    finally:
        opened.close()


def _explained(model: ModelSettings) -> ModelSettings:
    """With Shapley values where no method is configured."""
    if any(model.explainers.methods()):
        return model
    return model.model_copy(update={"explainers": ModelExplainers(shapley=ShapleySettings())})


def json_text(explanation: Explanation) -> str:
    """The explanation as indented JSON."""
    return orjson.dumps(explanation.to_json(), option=orjson.OPT_INDENT_2).decode()


def _model_name(file: Path, settings: Settings, name: str | None) -> str:
    known = list(settings.models)
    if not known:
        raise ConfigError("no model is configured; name one under models.<name>")
    if name is None and len(known) > 1:
        raise ConfigError(f"{file}: name one of {', '.join(known)} with --model")
    chosen = name or known[0]
    if chosen not in known:
        raise ConfigError(f"there is no model {chosen!r}; there are {', '.join(known)}")
    return chosen


def _row(file: Path, row: int) -> Columns:
    rows = read_table(file)
    if row >= len(rows):
        raise DataMismatch(f"{file} has {len(rows)} rows, the first is 0; there is no row {row}")
    return rows.take([row])
