"""Settings of the joiner."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.cluster import KafkaSettings
from sidelight.config.section import Address, Section


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
