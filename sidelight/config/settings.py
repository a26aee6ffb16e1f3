"""The configuration file as frozen models: every setting, its unit, its default, what it means.

Precedence (flags, environment, file, defaults) and errors live in `sidelight.config.loading`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from sidelight.config.capturing.joining import JoinerSettings as JoinerSettings
from sidelight.config.capturing.kept import Capture
from sidelight.config.capturing.receiving import ReceiverSettings
from sidelight.config.capturing.redact import RedactSettings
from sidelight.config.capturing.service import LoggerSettings as LoggerSettings
from sidelight.config.capturing.sinks import SinkSettings as SinkSettings
from sidelight.config.cluster import KafkaSettings as KafkaSettings
from sidelight.config.detecting.features import Feature
from sidelight.config.detecting.of_model import ModelDetectors
from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.glossary import GlossaryEntry
from sidelight.config.predicting import PredictorSettings as PredictorSettings
from sidelight.config.probing import ProbesSettings
from sidelight.config.section import Section
from sidelight.config.showing.service import DashboardSettings


class LogSettings(Section):
    """Where the event log lies and how long it keeps what it holds."""

    url: str = "sidelight.db"
    """A folder of the local log, or ``kafka://HOST:PORT,HOST:PORT/PREFIX``."""
    durability: Literal["process", "power"] = "process"
    """What an acknowledged record survives: a killed process, or a power cut too (slower)."""
    partitions: int = Field(default=1, ge=1, le=1024)
    """Partitions of each topic; fixed when the log is made."""
    segment_bytes: int = Field(default=256 << 20, ge=64 << 10)
    """A segment file is closed and the next begun at this size."""
    retain_bytes: int = Field(default=8 << 30, ge=1 << 20)
    """Whole segments of a topic (on Kafka: of each partition) are dropped, oldest first, above
    this size."""
    retain_seconds: float | None = Field(default=None, gt=0)
    """Segments whose newest record is older than this are dropped; none by default."""
    kafka: KafkaSettings = KafkaSettings()
    store: str | None = None
    """Where bodies go that a Kafka topic does not take: ``file:///FOLDER``, ``s3://BUCKET/PREFIX``
    or another address that fsspec knows; without one they are cut."""


class ModelSettings(Section):
    """One served model: how to ask it, what it is compared with, who watches it."""

    predictor: PredictorSettings | None = None
    reference: Path | None = None
    """Reference rows with predictions: CSV or Parquet; where only detectors run, also the ``.npz``
    that `sidelight fit` wrote."""
    features: dict[str, Feature] = Field(default_factory=dict)
    """The model's inputs in their order; when empty, all columns of the reference but `outputs`."""
    outputs: dict[str, Feature] = Field(default_factory=dict)
    """The model's outputs to watch, by their name in the answer and in the reference."""
    outcome: OutcomeSettings | None = None
    """What the model decides and what comes true, for `detectors.bias` and `detectors.labels`."""
    detectors: ModelDetectors = ModelDetectors()
    explainers: ModelExplainers = ModelExplainers()
    capture: Capture | None = None
    """How much the logger keeps of its exchanges; what is not said is as in `logger.capture`."""
    redact: RedactSettings | None = None
    """What never reaches the disk, beside what `logger.redact` says."""
    glossary: dict[str, GlossaryEntry] = Field(default_factory=dict)
    """Words for features, outputs and their values where explanations are shown to people."""


class Settings(Section):
    """The whole file."""

    log: Annotated[
        LogSettings,
        BeforeValidator(
            lambda v: {"url": v} if isinstance(v, str) else v,
            json_schema_input_type=str | LogSettings,
        ),
    ] = LogSettings()
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    logger: LoggerSettings = LoggerSettings()
    receiver: ReceiverSettings | None = None
    joiner: JoinerSettings = JoinerSettings()
    detectors: DetectorsSettings = DetectorsSettings()
    explainers: ExplainersSettings = ExplainersSettings()
    dashboard: DashboardSettings = DashboardSettings()
    probes: ProbesSettings = ProbesSettings()
