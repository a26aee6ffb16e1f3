"""The methods of a model for which none is configured: those that suit what its inputs are."""

from __future__ import annotations

from sidelight.config.explaining.method import Modality
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings
from sidelight_explainers.subject import Subject

METHODS: dict[Modality, tuple[str, ...]] = {
    "tabular": (
        "shapley",
        "anchor",
        "counterfactual",
        "similar",
        "ale",
        "partial_dependence",
        "importance",
    ),
    "text": ("shapley", "anchor", "leave_one_out"),
    "image": ("shapley", "anchor", "occlusion", "rise"),
}


def with_default_methods(model: ModelSettings) -> ModelSettings:
    """The model as it is where it has a method, else with all that suit its inputs."""
    if any(model.explainers.methods()):
        return model
    methods = METHODS[Subject("", model, tuple(model.features)).modality]
    explainers = ModelExplainers.model_validate({one: {} for one in methods})
    return model.model_copy(update={"explainers": explainers})
