"""What every room's tests may ask for."""

from __future__ import annotations

from tests.kafka import kafka_broker, kafka_url, own_broker

__all__ = ["kafka_broker", "kafka_url", "own_broker"]
