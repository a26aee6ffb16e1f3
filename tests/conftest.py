"""What every room's tests may ask for."""

from __future__ import annotations

import warnings

import hypothesis
import pytest

from tests.kafka import kafka_broker, kafka_url, own_broker

__all__ = ["kafka_broker", "kafka_url", "own_broker"]

_REFUSED = "unclosed <socket.socket"
"""kafka-python leaves the sockets of refused connections to the garbage collector, which comes upon
them in any test, or after the last."""


hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
"""No example fails because the machine is busy."""


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("unhurried")
    config.addinivalue_line("filterwarnings", f"ignore:{_REFUSED}:ResourceWarning")


def pytest_unconfigure() -> None:
    warnings.filterwarnings("ignore", _REFUSED, ResourceWarning)
