"""The log on Kafka."""

from __future__ import annotations
