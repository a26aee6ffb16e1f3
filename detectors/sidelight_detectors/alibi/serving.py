"""The detectors of alibi-detect that are configured, made ready."""

from __future__ import annotations

import structlog

from sidelight.config.settings import Settings
from sidelight_detectors.alibi import building
from sidelight_detectors.alibi.station import Station, station
from sidelight_detectors.stations.place import Place

LICENCE = (
    "alibi-detect is in use: since 0.11.5 it is under the Business Source License 1.1, "
    "which restricts production use; read its LICENSE"
)

logger = structlog.get_logger("sidelight.detectors")


def stations(settings: Settings, place: Place) -> tuple[Station, ...]:
    """Every configured detector, made; errors name the setting.

    Where there is none nothing of alibi-detect is imported.
    """
    made = tuple(
        station(model_name, model, name, asked, place)
        for model_name, model in settings.models.items()
        for name, asked in (model.detectors.alibi or {}).items()
    )
    if made:
        names = [f"{one.model}.{one.name}" for one in made]
        logger.warning(LICENCE, version=building.version(), detectors=names)
    return made
