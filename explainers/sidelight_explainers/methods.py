"""All methods by name; a method's module is imported when a model is opened with it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from sidelight.config.explaining.method import MethodSettings
from sidelight.config.explaining.of_model import ALIBI
from sidelight.errors import ConfigError
from sidelight_explainers.contract import Explainer
from sidelight_explainers.subject import Subject

Opener = Callable[..., Explainer[Any]]

OPENING: dict[str, str] = {
    "ale": "sidelight_explainers.curves.effects",
    "partial_dependence": "sidelight_explainers.curves.dependence",
    "importance": "sidelight_explainers.importance.permuting",
    "similar": "sidelight_explainers.similar.opening",
    "anchor": "sidelight_explainers.anchors.opening",
    "counterfactual": "sidelight_explainers.counterfactuals.opening",
    "shapley": "sidelight_explainers.shapley.opening",
    "leave_one_out": "sidelight_explainers.texts.leaving_out",
    "occlusion": "sidelight_explainers.images.occluding",
    "rise": "sidelight_explainers.images.rise",
}
"""Where each method's ``open_method(subject, settings)`` is."""


def open_explainer(subject: Subject, name: str, settings: MethodSettings) -> Explainer[Any]:
    """The method opened for one model.

    Raises `ConfigError` for settings or a reference that it cannot use, `ArtifactError` for a file
    that cannot be loaded, `MissingExtra` for what is not installed.
    """
    if subject.modality not in settings.MODALITIES:
        told = " or ".join(settings.MODALITIES)
        raise ConfigError(
            f"{subject.key}.explainers.{name} explains {told} inputs, and the model's are"
            f" {subject.modality}; leave it out"
        )
    if name.startswith(ALIBI):
        open_method: Opener = import_module("sidelight_explainers.alibi.opening").open_method
        return open_method(subject, settings, name)
    open_method = import_module(OPENING[name]).open_method
    return open_method(subject, settings)
