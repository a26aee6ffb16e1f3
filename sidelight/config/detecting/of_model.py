"""The detectors of one model."""

from __future__ import annotations

import warnings

from pydantic import Field

from sidelight.config.detecting.adversarial import AdversarialSettings
from sidelight.config.detecting.alibi import AlibiSettings
from sidelight.config.detecting.bias import BiasSettings
from sidelight.config.detecting.disagreement import DisagreementSettings
from sidelight.config.detecting.drift import DriftSettings
from sidelight.config.detecting.flips import FlipsSettings
from sidelight.config.detecting.joint import JointSettings
from sidelight.config.detecting.labels import LabelsSettings
from sidelight.config.detecting.outlier import OutlierSettings
from sidelight.config.detecting.performance import PerformanceSettings
from sidelight.config.detecting.schema import SchemaSettings
from sidelight.config.detecting.squeezing import SqueezingSettings
from sidelight.config.section import Section

# The word for it hides a deprecated method of pydantic's that nobody calls.
warnings.filterwarnings("ignore", 'Field name "schema"', UserWarning)


class ModelDetectors(Section):
    """The detectors of one model; a detector that is not named does not run."""

    drift: DriftSettings | None = None
    outlier: OutlierSettings | None = None
    joint: JointSettings | None = None
    performance: PerformanceSettings | None = None
    schema: SchemaSettings | None = None  # type: ignore[assignment]
    adversarial: AdversarialSettings | None = None
    disagreement: DisagreementSettings | None = None
    bias: BiasSettings | None = None
    labels: LabelsSettings | None = None
    squeezing: SqueezingSettings | None = Field(default=None, exclude=True)
    """Asks the predictor. Not part of what is written with a fitted reference, like `flips` and
    `alibi`: these have states of their own."""
    flips: FlipsSettings | None = Field(default=None, exclude=True)
    """Asks the predictor."""
    alibi: dict[str, AlibiSettings] | None = Field(default=None, exclude=True)
    """By name. Not part of what is written with a fitted reference: they have states of their own.
    """
