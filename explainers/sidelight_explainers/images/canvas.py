"""A picture of a request, and what it looks like when parts of it are covered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.explaining.players import PictureSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.games.lone import lone
from sidelight_explainers.images.covering import covers
from sidelight_explainers.images.files import closed, opened
from sidelight_explainers.images.frame import Frame, frame_of
from sidelight_explainers.images.seeing import seen
from sidelight_explainers.subject import Subject


@dataclass(frozen=True, eq=False)
class Canvas:
    """`sent` (1,) or (1, ...) is the picture as it came, `column` (1, ...) its numbers and
    `baselines` (b, n) those that cover it, in the order of `frame`; `seen` is the picture for
    eyes."""

    sent: Column
    column: Column
    frame: Frame
    baselines: NDArray[Any]
    seen: NDArray[np.uint8]

    @property
    def size(self) -> int:
        """Baselines."""
        return len(self.baselines)

    def explained(self) -> Columns:
        """The row of the picture itself."""
        return Columns((self.sent,))

    def rows(self, visible: NDArray[Any], background: NDArray[np.intp]) -> Columns:
        """Rows (r,) with each pixel visible from 0 to 1, (r, h, w), before those baselines."""
        share = self.frame.spread_many(visible)
        row, covered = self.column.values.reshape(1, -1), self.baselines[background]
        mixed = covered + share * (row.astype(share.dtype) - covered)
        if row.dtype.kind in "iu":
            mixed = np.rint(mixed)
        told = mixed.astype(row.dtype) if row.dtype.kind != "b" else mixed >= 0.5
        return Columns((closed(told.reshape(-1, *self.column.values.shape[1:]), self.sent),))


@dataclass(frozen=True)
class Canvases:
    """Makes canvases of one model's pictures; `shape` is that of those that are sent flat, `known`
    that of the reference's rows, empty where it holds none or files."""

    feature: str
    shape: tuple[int, ...]
    known: tuple[int, ...] = ()

    @classmethod
    def of(cls, subject: Subject) -> Canvases:
        (feature,) = subject.features
        """`ConfigError` where the shape is not that of flat pictures of the reference."""
        rows = subject.reference
        known = () if rows is None else rows[feature].values.shape[1:]
        shape = subject.settings.features[feature].shape
        if len(known) == 1 and math.prod(shape) != known[0]:
            raise ConfigError(
                f"{subject.key}.features.{feature}.shape is {list(shape)}, but pictures of the"
                f" reference have {known[0]} numbers in a row; set the shape that they have"
            )
        return cls(feature, shape, known)

    def __call__(self, rows: Columns, options: PictureSettings) -> Canvas:
        """The canvas of one row; `DataMismatch` for what is no picture."""
        sent = lone(rows, self.feature)
        self._refuse_another_form(sent)
        column = opened(sent)
        frame = frame_of(column, self.shape, options.channels)
        picture = frame.picture(column.values[0])
        baselines = covers(picture, options)
        flat = baselines.transpose(0, 3, 1, 2) if frame.first else baselines
        shown = seen(picture, options.range)
        return Canvas(sent, column, frame, flat.reshape(len(baselines), -1), shown)

    def _refuse_another_form(self, sent: Column) -> None:
        shape = sent.values.shape[1:]
        is_fit = shape == self.known if len(self.known) == 1 else len(shape) == len(self.known)
        if self.known and shape and not is_fit:
            raise DataMismatch(
                f"feature {self.feature!r} has shape {list(shape)} in a row; send one of shape"
                f" {list(self.known)}, as in the reference"
            )
