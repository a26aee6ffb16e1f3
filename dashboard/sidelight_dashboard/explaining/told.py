"""All that the page of an explanation says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch, SidelightError
from sidelight.tensors import Columns, split_index
from sidelight_dashboard.exchanges.opening import OpenedRow, open_row
from sidelight_dashboard.exchanges.pictures import is_picture, pixels, png
from sidelight_dashboard.explaining.explaining import Progress, State
from sidelight_dashboard.explaining.overlay import overlaid
from sidelight_dashboard.explaining.reading import quality, share_done, shown
from sidelight_dashboard.explaining.shown import Json, Shown
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.numbers import number_words
from sidelight_dashboard.words.wording import Wording

SAME = 1e-3
"""Answers closer than this share of the larger are the same: models of today round differently."""


@dataclass(frozen=True)
class ExplanationTold:
    """An explanation and how far it is; `share_done` is that of its budget, in [0, 1]."""

    id: str
    state: State
    model: str
    model_version: str
    exchange: str
    row: int
    method: str
    options: Mapping[str, Any]
    created_ns: int
    took_ns: int
    asked_by: str
    share_done: float | None = None
    error: str = ""
    explanation: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class PageTold:
    """`shown` is None as long as nothing is known; `no_row` says why the row is gone."""

    progress: ExplanationTold
    shown: Shown | None
    quality: tuple[str, ...]
    now_and_then: str
    no_row: str


def told_explanation(progress: Progress) -> ExplanationTold:
    """As the API tells it."""
    head, told = progress.head, progress.explanation
    return ExplanationTold(
        head.id,
        progress.state,
        head.model,
        head.model_version,
        head.exchange,
        head.row,
        head.method,
        head.options,
        head.created_ns,
        head.took_ns,
        head.asked_by,
        share_done(told) if told else None,
        progress.error,
        told,
    )


def told_page(showing: Showing, progress: Progress) -> PageTold:
    """What is known by now, in words and as what is drawn."""
    told, explanation = told_explanation(progress), progress.explanation
    opened, no_row = _row(showing, progress)
    if explanation is None:
        return PageTold(told, None, (), "", no_row)
    wording = Wording(_model(showing, told.model).glossary)
    return PageTold(
        told,
        shown(explanation, wording),
        quality(explanation),
        _now_and_then(explanation["data"], opened),
        no_row,
    )


def overlay_of(showing: Showing, progress: Progress) -> bytes | None:
    """The row's picture under its heat as a PNG; None where the explanation has no places."""
    if progress.explanation is None:
        return None
    opened, _ = _row(showing, progress)
    told = overlaid(progress.explanation["data"], _picture(showing, opened))
    return None if told is None else png(told)


def _row(showing: Showing, progress: Progress) -> tuple[OpenedRow | None, str]:
    try:
        return open_row(showing, progress.head.exchange, progress.head.row), ""
    except SidelightError as exc:
        return None, str(exc)


def _model(showing: Showing, name: str) -> ModelSettings:
    """A kept explanation may be of a model that is configured no longer."""
    return showing.settings.models.get(name) or ModelSettings()


def _picture(showing: Showing, opened: OpenedRow | None) -> NDArray[np.uint8] | None:
    """Of the first column that is one, as numbers; files are not opened here."""
    if opened is None or opened.inputs is None:
        return None
    features = _model(showing, opened.model).features
    for column in opened.inputs:
        shape = features[column.name].shape if column.name in features else ()
        if column.kind != "bytes" and is_picture(column, shape):
            return pixels(column, shape)
    return None


def _now_and_then(data: Json, opened: OpenedRow | None) -> str:
    """Where the model answers otherwise now than it did: then this explains another answer."""
    now, output = data.get("prediction"), str(data.get("output", ""))
    then = _answered(opened.outputs if opened else None, output)
    if opened is None or then is None or not isinstance(now, int | float):
        return ""
    if math.isclose(now, then, rel_tol=SAME, abs_tol=SAME):
        return ""
    version = f"version {opened.version}" if opened.version else "the model"
    return (
        f"When the row was sent, {version} answered {number_words(then)}; now the model answers"
        f" {number_words(now)}. Another version may serve by now: this explains the new answer."
    )


def _answered(outputs: Columns | None, name: str) -> float | None:
    if outputs is None:
        return None
    if name not in outputs and split_index(name)[0] not in outputs:
        return None
    try:
        column = outputs.select([name]).columns[0]
    except DataMismatch:
        return None
    is_number = column.kind == "number" and not column.is_tensor and bool(column.known()[0])
    return float(column.values[0]) if is_number else None
