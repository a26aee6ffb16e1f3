"""Detectors of alibi-detect, through the extra of that name."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from sidelight.config.section import Section

AlibiType = Literal[
    "AdversarialAE",
    "CVMDrift",
    "CVMDriftOnline",
    "ChiSquareDrift",
    "ClassifierDrift",
    "FETDrift",
    "FETDriftOnline",
    "IForest",
    "KSDrift",
    "LSDDDrift",
    "LSDDDriftOnline",
    "MMDDrift",
    "MMDDriftOnline",
    "Mahalanobis",
    "ModelDistillation",
    "SpectralResidual",
    "TabularDrift",
]
TYPES: tuple[str, ...] = get_args(AlibiType)

DEFENDERS = ("AdversarialAE", "ModelDistillation")
"""They are trained beside the classifier that they defend."""

GIVEN = ("x_ref", "x_ref_preprocessed", "preprocess_fn", "preprocess_at_init", "update_x_ref")
"""Arguments that are not for the configuration: the reference is the model's, and a reference that
moves would be a state that no checkpoint holds."""


class AlibiSettings(Section):
    """One detector of alibi-detect, made from the configuration or loaded from a folder."""

    type: AlibiType | None = None
    """Its class. Those named MMD and LSDD need PyTorch or TensorFlow, AdversarialAE and
    ModelDistillation need TensorFlow."""
    args: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the class, by alibi-detect's names; the reference is the model's."""
    load: Path | None = None
    """A folder that alibi-detect's ``save_detector`` wrote, instead of `type`."""
    model: Path | None = None
    """The classifier that AdversarialAE or ModelDistillation defends, a ``.keras`` file."""
    sha256: str | None = None
    """Hash over the folder to load, or of `model`; anything else is refused."""
    allow_unsafe_artifacts: bool = False
    """Load more than numbers and text: pickles and models run code."""
    columns: tuple[str, ...] = ()
    """The features it looks at; all that its class can read when empty."""
    window: int = Field(default=1000, ge=2)
    """Rows of a batch; for a detector that takes row by row, between two results."""
    rate: float = Field(default=0.01, gt=0, lt=1)
    """Outlier detectors without a `threshold` among their arguments: share of reference rows
    above it."""
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    """Seeds all that is random in it."""
    sample: float = Field(default=1.0, gt=0, le=1)
    """Share of the exchanges it looks at, drawn by where they stand in the log."""
    max_lag: int | None = Field(default=None, ge=2)
    """Exchanges it may be behind in a partition; above it skips to the newer half and counts what
    it skipped. Not set: it skips nothing."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance of ever raising a false alarm, for those whose p-values carry such a promise."""
    clear_after: int = Field(default=3, ge=1)
    """Results in a row without drift that clear an alarm."""

    @model_validator(mode="after")
    def _one_of_two(self) -> AlibiSettings:
        if (self.type is None) == (self.load is None):
            raise ValueError("set one of 'type' (a class) and 'load' (a folder)")
        if self.load is None:
            return self._constructed()
        if self.args or self.model:
            raise ValueError("'args' and 'model' belong to 'type'; a loaded detector has its own")
        if self.sha256 is None:
            raise ValueError("'load' needs 'sha256' (docs/methods/alibi-detect.md says how)")
        return self

    def _constructed(self) -> AlibiSettings:
        if self.type in DEFENDERS:
            if self.model is None or self.sha256 is None or not self.allow_unsafe_artifacts:
                raise ValueError(
                    f"{self.type} needs 'model' (a .keras file), its 'sha256', and "
                    "'allow_unsafe_artifacts: true', since loading a model can run code"
                )
        elif self.model is not None or self.sha256 is not None or self.allow_unsafe_artifacts:
            raise ValueError(
                "'sha256' and 'allow_unsafe_artifacts' belong to 'load', 'model' to "
                + " and ".join(DEFENDERS)
            )
        if wrong := sorted(set(self.args) & set(GIVEN)):
            raise ValueError(f"{wrong[0]!r} is not for 'args': the reference is the model's")
        return self
