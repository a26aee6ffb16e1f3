"""Attacks that show across queries."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sidelight.config.section import Section


class AdversarialSettings(Section):
    """Sequences of queries that search for an adversarial example around one row."""

    method: Literal["query-similarity"] = "query-similarity"
    """query-similarity: many different queries close to each other, more than the reference's own
    rate of neighbours explains."""
    client: str | None = None
    """A request header that tells who asks; the logger must keep it (`logger.headers`)."""
    memory: int = Field(default=100_000, ge=1000, le=10_000_000)
    """Queries remembered."""
    memory_seconds: float = Field(default=86_400.0, gt=0)
    """Queries older than this, by event time, are forgotten."""
    false_episodes: float = Field(default=1e-5, gt=0, lt=1)
    """False episodes that are promised at most, for each different query."""
    crowding: float = Field(default=4.0, ge=1)
    """How many times as crowded as the reference ordinary traffic may be anywhere."""
    batch: int = Field(default=20, ge=1)
    """Ordinary traffic may come in any order, sorted too, within so many queries. With 1000,
    attacks are found later, or not at all where the reference is dense."""
    least: int = Field(default=6, ge=3)
    """Different queries of an episode at least, however telling they are."""
    quiet_seconds: float = Field(default=900.0, gt=0)
    """An episode is over when it gets no more queries for so long, by event time."""
