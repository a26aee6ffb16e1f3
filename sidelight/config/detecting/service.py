"""The service that scores and decides."""

from __future__ import annotations

from pydantic import Field

from sidelight.config.section import Address, Section


class DetectorsSettings(Section):
    """The scoring service."""

    listen: Address = "127.0.0.1:9082"
    """Address of scoring over HTTP, metrics and health."""
    run_rows: int = Field(default=250, ge=1)
    """A run of exchanges ends at this many rows ..."""
    run_bytes: int = Field(default=8 << 20, ge=1)
    """... or bytes ..."""
    run_seconds: float = Field(default=1.0, gt=0)
    """... or seconds."""
    bucket_seconds: float = Field(default=60.0, gt=0)
    """Length of an event-time bucket, the smallest unit of event-time windows."""
    lateness_seconds: float = Field(default=30.0, ge=0)
    """How long an event-time window waits for late exchanges."""
    stalled_seconds: float = Field(default=30.0, gt=0)
    """A partition that stands still for so long though there is something to read is an error;
    the service then joins its group again."""
    workers: int = Field(default=1, ge=1)
    """Requests over HTTP scored at one time ..."""
    waiting: int = Field(default=15, ge=0)
    """... and those that may wait; above it the answer is 503."""
    max_rows: int = Field(default=10_000, ge=1)
    """Rows of one request over HTTP."""
    max_body: int = Field(default=4 << 20, ge=1)
    """Bytes of one request's body."""
