"""A configured detector made ready: what every partition's copy of it shares."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sidelight.config.detecting.alibi import DEFENDERS, AlibiSettings
from sidelight.config.services import served_as
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.alibi import building
from sidelight_detectors.alibi.kinds import KINDS, UNKNOWN
from sidelight_detectors.alibi.matrix import Encoder, as_rows, fit_encoder, usable
from sidelight_detectors.alibi.rowwise import OnlineWatching
from sidelight_detectors.alibi.watching import (
    AlibiWatching,
    BatchWatching,
    RowWatching,
    innermost,
    type_of,
)
from sidelight_detectors.reference import reference_as_logged
from sidelight_detectors.stations.contract import Reading
from sidelight_detectors.stations.place import Place, told_of
from sidelight_detectors.stations.saying import Speaker
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.watched import watched_features

PREFIX = "alibi"

FORMAT = 1
"""Of what is kept between batches, and of what is fed."""

MIN_ROWS = 20
"""Reference rows at least, as for the detectors of our own."""


@dataclass(frozen=True, eq=False)
class Station:
    """`detector` is the pattern that each partition works with a copy of; `remake` makes another.

    `served_as` is what exchanges call the model; `plan` changes with all that changes an answer.
    """

    model: str
    name: str
    served_as: str
    settings: AlibiSettings
    watched: WatchedColumns
    encoder: Encoder
    detector: Any
    remake: Callable[[], Any]
    plan: str
    partitions: int

    @property
    def title(self) -> str:
        return f"{PREFIX}:{self.name}"

    @property
    def sample(self) -> float:
        return self.settings.sample

    @property
    def max_lag(self) -> int | None:
        return self.settings.max_lag

    @property
    def group(self) -> str:
        """The consumer group of this detector alone: what it keeps cannot be added up."""
        return f"{PREFIX}.{self.model}.{self.name}"

    def read(self, rows: Columns) -> Reading:
        values = self.encoder.encode(rows)
        return Reading(as_rows(values), usable(values))

    @property
    def detects_drift(self) -> bool:
        return str(self.detector.meta["detector_type"]) == "drift"

    @property
    def is_online(self) -> bool:
        return self.detects_drift and bool(self.detector.meta["online"])

    def watching(self, partition: int) -> AlibiWatching:
        """A fresh one for the partition, nothing seen yet."""
        detector, speaker = self._another(), self.speaker(partition)
        columns = self.encoder.columns
        if self.is_online:
            return OnlineWatching(detector, speaker, self.settings, columns)
        if self.detects_drift:
            return BatchWatching(detector, speaker, self.settings, columns, self.partitions)
        return RowWatching(detector, speaker, self.settings)

    def _another(self) -> Any:
        """A copy where that works: what TensorFlow or PyTorch hold is made again instead.

        Those that learn nothing from what they score are shared.
        """
        if type_of(self.detector) in DEFENDERS:
            return self.detector
        kind = KINDS.get(type_of(self.detector))
        is_plain = kind is not None and not kind.needs_backend
        return copy.deepcopy(self.detector) if is_plain else self.remake()

    def speaker(self, partition: int) -> Speaker:
        return Speaker(self.model, self.title, self.plan, partition, self.promise)

    @cached_property
    def promise(self) -> str:
        """What is promised about false alarms, and what not."""
        kind = type_of(self.detector)
        if not self.detects_drift:
            return (
                f"No promise: {kind} flags rows whose score is above its threshold "
                f"{float(self.detector.threshold):.6g}. No alarm is raised."
            )
        if self.is_online:
            return (
                "No promise about false alarms over time: the threshold is alibi-detect's own; "
                f"ERT = {float(innermost(self.detector).ert):g} rows of one partition, if columns "
                "are independent of each other."
            )
        if KINDS.get(kind, UNKNOWN).promises:
            return (
                f"The chance that any alarm ever raised is false is at most "
                f"{self.settings.false_alarms:g}, as far as {kind}'s p-values hold and rows are "
                f"drawn independently. Batch k of each of {self.partitions} partitions spends "
                "6/(pi k)^2 of its share."
            )
        return (
            "No promise about false alarms over time: each batch is judged at alibi-detect's own "
            "threshold."
        )


def station(
    model_name: str,
    model: ModelSettings,
    name: str,
    settings: AlibiSettings,
    place: Place,
) -> Station:
    """Reads the reference and makes the detector; may take minutes where it simulates thresholds.

    Raises `ConfigError` and others of ours that name the setting.
    """
    where = f"models.{model_name}.detectors.alibi.{name}"
    if model.reference is None or model.reference.suffix == ".npz":
        raise ConfigError(f"{where} needs the rows themselves; set models.{model_name}.reference")
    reference = reference_as_logged(model.reference, model)
    features = watched_features(reference, model)
    takes = KINDS.get(settings.type or "", UNKNOWN).takes
    with told_of(where):
        encoder = fit_encoder(reference, features, takes, settings.columns)
        values = encoder.encode(reference)
        values = values[usable(values)]
        if len(values) < MIN_ROWS:
            raise NotEnoughData(
                f"{len(values)} reference rows without a missing value; {MIN_ROWS} needed"
            )
        remake = partial(building.build, settings, values, encoder)
        detector = remake()
    content = hashlib.sha256(values.tobytes()).digest()
    asked = settings.model_dump_json(exclude={"load", "max_lag", "allow_unsafe_artifacts"})
    plan = digest(FORMAT, building.version(), place.partitions, asked, content)
    watched = WatchedColumns(model_name, tuple(features), (), place.store, probes=place.probes)
    called = (model_name, name, served_as(model_name, model))
    return Station(*called, settings, watched, encoder, detector, remake, plan, place.partitions)
