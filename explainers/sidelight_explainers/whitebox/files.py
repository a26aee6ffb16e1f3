"""The file of a model, where the configuration names one."""

from __future__ import annotations

from typing import cast

from sidelight.predictors.local import open_local
from sidelight_explainers.subject import Subject
from sidelight_explainers.whitebox.readable import Readable

READABLE = (".skops", ".json", ".ubj", ".txt")
"""Files of scikit-learn, XGBoost and LightGBM; an ``.onnx`` file tells no trees."""


def local_model(subject: Subject) -> Readable | None:
    """A predictor in this process whose `model` can be read; None where no file is named."""
    settings = subject.settings.predictor
    if settings is None:
        return None
    path = settings.artifact or settings.model
    if path is None or path.suffix not in READABLE:
        return None
    told = settings.model_copy(update={"model": path, "url": None, "artifact": None})
    return cast(Readable, open_local(subject.name, told, subject.features))
