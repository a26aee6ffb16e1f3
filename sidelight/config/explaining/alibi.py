"""Explainers of alibi, through the extra of that name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from sidelight.config.explaining.deciding import DecidingSettings
from sidelight.config.explaining.method import Modality, Scope

AlibiType = Literal[
    "ALE",
    "AnchorImage",
    "AnchorTabular",
    "AnchorText",
    "CEM",
    "Counterfactual",
    "CounterfactualProto",
    "IntegratedGradients",
    "KernelShap",
    "PartialDependence",
    "PartialDependenceVariance",
    "PermutationImportance",
]
TYPES: tuple[str, ...] = get_args(AlibiType)

GLOBAL = ("ALE", "PartialDependence", "PartialDependenceVariance", "PermutationImportance")
"""Those that explain the model over many rows."""

GIVEN = ("predictor", "feature_names", "categorical_names", "image_shape", "seed", "shape")
"""Arguments of the constructors that are not for the configuration: they follow from the model."""


class AlibiSettings(DecidingSettings):
    """One explainer of alibi, made from the configuration or loaded from a folder."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular", "text", "image")
    CONFIGURED: ClassVar[frozenset[str]] = DecidingSettings.CONFIGURED | {
        "type",
        "args",
        "fit",
        "load",
        "model",
        "sha256",
        "allow_unsafe_artifacts",
        "answers",
        "target",
        "reference_rows",
        "python",
        "memory_bytes",
        "at_once",
    }

    type: AlibiType | None = None
    """Its class. CEM, Counterfactual, CounterfactualProto and IntegratedGradients need TensorFlow.
    """
    args: dict[str, Any] = Field(default_factory=dict)
    """Arguments of its constructor, by alibi's names; the predictor and the features are the
    model's. ``nlp`` of AnchorText is a language (``en``) or the name of a spaCy model."""
    fit: dict[str, Any] = Field(default_factory=dict)
    """Arguments of its ``fit``; the rows are those of the reference."""
    explain: dict[str, Any] = Field(default_factory=dict)
    """Arguments of its ``explain``, such as ``threshold`` of anchors."""
    load: Path | None = None
    """A folder that alibi's ``save`` wrote, instead of `type`."""
    model: Path | None = None
    """The Keras model that IntegratedGradients reads."""
    sha256: str | None = None
    """Hash over the folder to load, or of `model`; anything else is refused."""
    allow_unsafe_artifacts: bool = False
    """Load what can run code: saved explainers and Keras models are such."""
    answers: Literal["numbers", "classes"] | None = None
    """What alibi is told of a prediction: the output's numbers, or the class. When not set,
    classes for anchors and numbers for all others."""
    target: str | None = None
    """The reference's column of true outcomes, for PermutationImportance."""
    reference_rows: int | None = Field(default=None, ge=1)
    """Reference rows that it is given, in random order; 100 for KernelShap, else all, when not set.
    """
    python: Path | None = None
    """An interpreter with alibi, where it is not installed beside Sidelight."""
    memory_bytes: int = Field(default=4 << 30, ge=64 << 20)
    """Memory of one explanation, beyond what alibi itself takes."""
    at_once: int = Field(default=2, ge=1)
    """Explanations at one time, each in a process of its own; further ones wait."""
    budget: int = Field(default=200_000, ge=2)
    """Rows the predictor may be asked for, for one explanation. alibi knows no budget of its own:
    an explanation that would need more is refused."""
    max_budget: int = Field(default=1_000_000, ge=2)
    """The largest budget that a request may set for itself."""

    @model_validator(mode="after")
    def _one_of_two(self) -> AlibiSettings:
        if (self.type is None) == (self.load is None):
            raise ValueError("set one of 'type' (a class) and 'load' (a folder)")
        if self.load is not None and (self.args or self.fit or self.model):
            raise ValueError("'args', 'fit' and 'model' belong to 'type'; a saved one has its own")
        if wrong := sorted(set(self.args) & set(GIVEN)):
            raise ValueError(f"{wrong[0]!r} is not for 'args': it follows from the model")
        if (self.type == "PermutationImportance") != (self.target is not None):
            raise ValueError("PermutationImportance, and it alone, needs 'target'")
        return self

    @model_validator(mode="after")
    def _guarded(self) -> AlibiSettings:
        if (self.type == "IntegratedGradients") != (self.model is not None):
            raise ValueError("IntegratedGradients, and it alone, needs 'model': a Keras file")
        loaded = self.load or self.model
        if loaded and (self.sha256 is None or not self.allow_unsafe_artifacts):
            raise ValueError(
                f"{loaded} can run code when it is loaded: if you trust whoever wrote it, set its"
                " 'sha256' and 'allow_unsafe_artifacts: true'"
            )
        if not loaded and (self.sha256 is not None or self.allow_unsafe_artifacts):
            raise ValueError("'sha256' and 'allow_unsafe_artifacts' belong to 'load' and 'model'")
        return self

    @property
    def scope(self) -> Scope:
        return "global" if self.type in GLOBAL else "local"
