"""Settings of the ways out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr

from sidelight.config.cluster import KafkaSettings
from sidelight.config.section import Section

_STATUS = re.compile("[1-5]([0-9][0-9]|xx)|none")


def _status(value: Any) -> str:
    """A status as text: YAML makes a number of ``404``."""
    text = str(value)
    if not _STATUS.fullmatch(text):
        raise ValueError(f"{text!r} is no status; write 404, 5xx or none")
    return text


Status = Annotated[
    str,
    BeforeValidator(
        _status,
        json_schema_input_type=Annotated[str, Field(pattern=f"^({_STATUS.pattern})$")]
        | Annotated[int, Field(ge=100, le=599)],
    ),
]


class OnlySettings(Section):
    """Which exchanges a sink gets; what is not said does not narrow it."""

    models: tuple[str, ...] = ()
    """Names of models; ``*`` stands for any characters."""
    statuses: tuple[Status, ...] = ()
    """Statuses such as ``200`` and ``4xx``; ``none`` for exchanges without an answer."""
    protocols: tuple[Literal["v1", "v2", "grpc", "none"], ...] = ()
    """Inference protocols; ``none`` for requests of no protocol that is known."""
    sample: float = Field(default=1.0, ge=0, le=1)
    """Share of those, chosen by a hash of the exchange's id: two sinks choose the same."""


class FilesSettings(Section):
    """How a folder or bucket is filled."""

    format: Literal["json", "csv", "parquet"] = "json"
    """Of the records: KServe's, whichever form."""
    path: str = ""
    """Below the address, after namespace, service and component, as KServe's ``storage.path``."""
    batch_records: int = Field(default=1, ge=1, le=100_000)
    """Records of one file."""
    batch_seconds: float = Field(default=5.0, gt=0)
    """A file is written at the latest after this."""


class SinkSettings(Section):
    """A place that receives exchanges as CloudEvents, files or spans."""

    url: str
    """``http://HOST/PATH`` (events are posted), ``kafka://HOST:PORT,HOST:PORT/TOPIC``, a folder or
    bucket that fsspec knows (``file:///FOLDER``, ``s3://BUCKET/PREFIX``), or
    ``otlp+http://HOST:4318/v1/traces`` (OpenTelemetry spans)."""
    form: Literal["kserve", "exchange"] = "kserve"
    """kserve: a request and a response event. exchange: our one event."""
    only: OnlySettings = OnlySettings()
    """Which exchanges it gets."""
    token: SecretStr | None = None
    """Sent as ``Authorization: Bearer``; HTTP only."""
    timeout_seconds: float = Field(default=5.0, gt=0)
    """How long a post waits for its connection and its answer; HTTP only."""
    connections: int = Field(default=4, ge=1, le=64)
    """Posts on their way at once, each of another exchange; HTTP in the form kserve only. In our
    own form one exchange follows the other, since its readers skip what comes late."""
    ca_file: Path | None = None
    """Certificates (PEM) that an ``https`` sink's own must be signed by; the system's when not
    set."""
    verify: bool = True
    """Whether the certificate of an ``https`` sink is checked."""
    files: FilesSettings = FilesSettings()
    kafka: KafkaSettings = KafkaSettings()
    """How the sink's Kafka cluster is reached."""

    @property
    def lanes(self) -> int:
        """Posts that are on their way at once."""
        return self.connections if self.form == "kserve" else 1
