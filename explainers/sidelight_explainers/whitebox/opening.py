"""Finds out whether a model's file can be read."""

from __future__ import annotations

from typing import cast

from sidelight_explainers.reference.background import Background
from sidelight_explainers.subject import Subject
from sidelight_explainers.whitebox.contract import Unread, WhiteBox
from sidelight_explainers.whitebox.local import Readable

READABLE = (".skops", ".json", ".ubj", ".txt")
"""Files of scikit-learn, XGBoost and LightGBM; an ``.onnx`` file is not read."""


def open_white_box(subject: Subject, background: Background) -> WhiteBox | Unread:
    """The model's file with that background, or why it is not read.

    Raises `ArtifactError` for a file that is named but must not or cannot be loaded.
    """
    settings = subject.settings.predictor
    path = None if settings is None else settings.artifact or settings.model
    if settings is None or path is None or path.suffix not in READABLE:
        return Unread(f"{subject.key}.predictor names no file that tells how the model decides")
    # scikit-learn and shap take seconds, which a model without a file shall not cost.
    from sidelight.predictors.local import open_local
    from sidelight_explainers.whitebox.boxing import read_box

    told = settings.model_copy(update={"model": path, "url": None, "artifact": None})
    local = open_local(subject.name, told, subject.features)
    return read_box(cast(Readable, local), background)
