"""How Sidelight proves that a question to a model is its own."""

from __future__ import annotations

from pathlib import Path

from sidelight.config.section import Section


class ProbesSettings(Section):
    """The key that explainers and detectors share, so that their questions are not traffic."""

    key_file: Path | None = None
    """A file that holds the key, such as a mounted secret. Not set: one is made beside the local
    log; on Kafka there is none, and what Sidelight asks counts as traffic."""
