"""The configuration file as frozen models: every setting, its unit, its default, what it means.

Precedence (flags, environment, file, defaults) and errors live in `sidelight.config.loading`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from sidelight.config.detecting.features import Feature
from sidelight.config.detecting.of_model import ModelDetectors
from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.glossary import GlossaryEntry
from sidelight.config.predicting import PredictorSettings as PredictorSettings
from sidelight.config.probing import ProbesSettings
from sidelight.config.section import Address, Section


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Protocol = Annotated[
    Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], BeforeValidator(_upper)
]
Mechanism = Annotated[
    Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, BeforeValidator(_upper)
]


class KafkaSettings(Section):
    """How a Kafka cluster is reached, when `log.url` names one."""

    security_protocol: Protocol = "PLAINTEXT"
    """How brokers are spoken to, in upper or lower case: ``SSL`` encrypts, ``SASL`` logs in."""
    sasl_mechanism: Mechanism = None
    """How to log in, with ``SASL_PLAINTEXT`` and ``SASL_SSL``."""
    username: str | None = None
    """The user to log in as."""
    password: SecretStr | None = None
    """The user's password; `password_file` keeps it out of this file."""
    password_file: Path | None = None
    """A file that holds the password, such as a mounted secret; read at each start."""
    ca_file: Path | None = None
    """Certificates (PEM) that the brokers' own must be signed by; the system's when not set."""
    cert_file: Path | None = None
    """This client's certificate (PEM), for brokers that ask for one."""
    key_file: Path | None = None
    """The certificate's private key (PEM, without a passphrase), unless it is in `cert_file`."""
    replication: int = Field(default=1, ge=1, le=32767)
    """Brokers that keep a copy of each topic that ``sidelight topics --create`` makes."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    """How long an append may take before it is an error."""
    session_seconds: float = Field(default=10.0, ge=1)
    """A consumer that is silent for so long is dead: others get its partitions."""


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
    glossary: dict[str, GlossaryEntry] = Field(default_factory=dict)
    """Words for features, outputs and their values where explanations are shown to people."""


class RedactSettings(Section):
    """What never reaches the disk."""

    headers: tuple[str, ...] = ("authorization", "cookie")
    """Request headers never kept, whatever `logger.headers` allows."""


class SinkSettings(Section):
    """An address that receives every exchange as CloudEvents, as from KServe's logger."""

    url: str
    """Where events are posted (``http://``), or ``kafka://HOST:PORT,HOST:PORT/TOPIC``."""
    form: Literal["kserve", "exchange"] = "kserve"
    """kserve: a request and a response event. exchange: our one event."""
    token: SecretStr | None = None
    """Sent as ``Authorization: Bearer``; HTTP only."""
    timeout_seconds: float = Field(default=5.0, gt=0)
    """Deadline of one post; HTTP only."""
    kafka: KafkaSettings = KafkaSettings()
    """How the sink's Kafka cluster is reached."""


class LoggerSettings(Section):
    """The payload logger: a proxy in front of one model server, and what it keeps."""

    listen: Address = "127.0.0.1:9081"
    """Address that clients call instead of the model server's."""
    metrics: Address = "127.0.0.1:9091"
    """Address of the logger's metrics and health."""
    upstream: str | None = None
    """The model server; the predictor's `url` when only one model has one."""
    mode: Literal["all", "request", "response"] = "all"
    """Which bodies are kept."""
    max_body: int = Field(default=4 << 20, ge=0, le=(1 << 30) - 1)
    """Bytes of one body kept; the rest is cut, marked and counted. Forwarding has no limit."""
    buffer_bytes: int = Field(default=64 << 20, ge=1 << 16)
    """Bytes of captured exchanges waiting for the recorder; more are dropped and counted."""
    headers: tuple[str, ...] = ()
    """Request headers to keep (any case)."""
    redact: RedactSettings = RedactSettings()
    return_request_id: bool = True
    """Answer with ``X-Request-Id`` when the client sent none."""
    inference_service: str = ""
    """KServe's name of the service, told to sinks with each event."""
    namespace: str = ""
    """Kubernetes namespace of the service, told likewise."""
    source: str = ""
    """Source of the events; ``http://localhost:PORT/`` of `listen` when empty, as KServe has it."""
    component: str = "predictor"
    """KServe's name of the part that is logged, told likewise."""
    endpoint: str = ""
    """KServe's name of the revision (``default``, ``canary``), told likewise."""
    spool: Path = Path("sidelight.spool")
    """A folder that keeps exchanges until a log on Kafka has them; one for each logger."""
    spool_bytes: int = Field(default=8 << 30, ge=1 << 20)
    """Whole segments of the spool are dropped, oldest first, above this size, delivered or not."""
    sink: SinkSettings | None = None


class JoinerSettings(Section):
    """The joiner: requests and responses that foreign loggers wrote, each by itself, become
    exchanges."""

    source: str | None = None
    """A foreign topic to read, ``kafka://HOST:PORT,HOST:PORT/TOPIC``; without one only what is in
    the log already is joined."""
    kafka: KafkaSettings | None = None
    """How the source's Kafka cluster is reached; as the log's when not set."""
    group: str = Field(default="sidelight-importer", min_length=1)
    """The consumer group on the foreign topic; another one for each log that it is read into."""
    ttl_seconds: float = Field(default=60.0, gt=0)
    """How long a half waits for the other, from when it came into our log; then it is told alone,
    marked."""
    max_bytes: int = Field(default=256 << 20, ge=1 << 20)
    """Memory for the halves of one partition; above it the oldest are told alone before their
    time."""
    listen: Address = "127.0.0.1:9085"
    """Address of its metrics and health."""


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
    joiner: JoinerSettings = JoinerSettings()
    detectors: DetectorsSettings = DetectorsSettings()
    explainers: ExplainersSettings = ExplainersSettings()
    probes: ProbesSettings = ProbesSettings()
