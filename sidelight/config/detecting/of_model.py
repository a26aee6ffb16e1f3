"""The detectors of one model."""

from __future__ import annotations

from sidelight.config.detecting.drift import DriftSettings
from sidelight.config.detecting.outlier import OutlierSettings
from sidelight.config.section import Section


class ModelDetectors(Section):
    """The detectors of one model; a detector that is not named does not run."""

    drift: DriftSettings | None = None
    outlier: OutlierSettings | None = None
