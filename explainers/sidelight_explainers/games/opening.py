"""Games of texts and pictures, opened once for a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from sidelight.tensors import Columns
from sidelight_explainers.subject import Subject

if TYPE_CHECKING:  # what opens pictures is not loaded for a table
    from sidelight_explainers.games.image import ImageGame
    from sidelight_explainers.games.text import TextGame

MakeGame: TypeAlias = "Callable[[Columns, Any], TextGame | ImageGame]"
"""``make(row, options)``: the game of one row with a request's options; `DataMismatch` for a row
that is no text or picture."""


def open_games(subject: Subject, settings: Any) -> MakeGame:
    """For a model of texts, with settings that are `OfTexts`, or of pictures, with `OfPictures`.

    Raises `ConfigError`, `ArtifactError`, `MissingExtra` for settings that cannot be used.
    """
    if subject.modality == "text":
        from sidelight_explainers.texts.opening import open_texts

        return open_texts(subject, settings)
    from sidelight_explainers.images.opening import open_pictures

    return open_pictures(subject, settings)
