"""Finds out whether a model's file can be read."""

from __future__ import annotations

from sidelight_explainers.background import Background
from sidelight_explainers.subject import Subject
from sidelight_explainers.whitebox.contract import Unread, WhiteBox


def open_white_box(subject: Subject, background: Background) -> WhiteBox | Unread:
    """The model's file with that background, or why it is not read.

    Raises `ArtifactError` for a file that is named but must not or cannot be loaded.
    """
    return Unread(f"{subject.key}.predictor names no file of the model")
