"""Pictures as games: opened once for a model, then a game for each picture."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from sidelight.config.explaining.players import OfPictures
from sidelight.tensors import Columns
from sidelight_explainers.games.image import ImageGame
from sidelight_explainers.games.lone import lone
from sidelight_explainers.images.covering import covers
from sidelight_explainers.images.frame import frame_of
from sidelight_explainers.images.seeing import seen
from sidelight_explainers.images.segments import segments_of
from sidelight_explainers.subject import Subject

ROWS_A_PLAYER = 2
"""The fewest rows of the budget for each player; with less, there are fewer parts."""


@dataclass(frozen=True)
class PictureGames:
    """Makes games of one model's pictures; `shape` is that of those that are sent flat."""

    feature: str
    shape: tuple[int, ...]

    def __call__(self, rows: Columns, options: OfPictures) -> ImageGame:
        """The game of one row; `DataMismatch` for what is no picture."""
        column = lone(rows, self.feature)
        frame = frame_of(column, self.shape, options.image.channels)
        picture = frame.picture(column.values[0])
        shown = seen(picture, options.image.range)
        most = max((options.budget - 2) // (ROWS_A_PLAYER * len(options.image.baselines)), 1)
        parts = segments_of(shown, options.image, most)
        baselines = covers(picture, options.image)
        flat = baselines.transpose(0, 3, 1, 2) if frame.first else baselines
        return ImageGame.of(
            column, flat.reshape(len(baselines), -1), frame.spread(parts), shown, parts
        )


def open_pictures(subject: Subject, settings: OfPictures) -> PictureGames:
    """Also loads what cuts pictures, so that no request waits for it."""
    if settings.image.segments == "slic":
        importlib.import_module("skimage.segmentation")
    (feature,) = subject.features
    return PictureGames(feature, subject.settings.features[feature].shape)
