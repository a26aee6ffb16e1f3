"""Pictures as games: opened once for a model, then a game for each picture."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from sidelight.config.explaining.players import OfPictures
from sidelight.tensors import Columns
from sidelight_explainers.games.image import ImageGame
from sidelight_explainers.images.canvas import Canvases
from sidelight_explainers.images.segments import segments_of
from sidelight_explainers.subject import Subject

ROWS_A_PLAYER = 2
"""The fewest rows of the budget for each player; with less, there are fewer parts."""


@dataclass(frozen=True)
class PictureGames:
    """Makes games of one model's pictures."""

    canvases: Canvases

    def __call__(self, rows: Columns, options: OfPictures) -> ImageGame:
        """The game of one row; `DataMismatch` for what is no picture."""
        canvas = self.canvases(rows, options.image)
        most = max((options.budget - 2) // (ROWS_A_PLAYER * canvas.size), 1)
        cut = segments_of(canvas.seen, options.image, most)
        owners = canvas.frame.spread(cut)
        return ImageGame.of(canvas.sent, canvas.column, canvas.baselines, owners, canvas.seen, cut)


def open_pictures(subject: Subject, settings: OfPictures) -> PictureGames:
    """Also loads what cuts pictures, so that no request waits for it."""
    if settings.image.segments == "slic":
        importlib.import_module("skimage.segmentation")
    return PictureGames(Canvases.of(subject))
