"""What every room's tests may ask for."""

from __future__ import annotations

import signal
import warnings
from contextlib import suppress

import pytest

from tests.kafka import kafka_broker, kafka_url, own_broker

__all__ = ["kafka_broker", "kafka_url", "own_broker"]

_REFUSED = "unclosed <socket.socket"
"""kafka-python leaves the sockets of refused connections to the garbage collector, which comes upon
them in any test, or after the last."""


def pytest_configure(config: pytest.Config) -> None:
    _have_ctrl_c()
    _give_examples_time()
    config.addinivalue_line("filterwarnings", f"ignore:{_REFUSED}:ResourceWarning")


def pytest_unconfigure() -> None:
    warnings.filterwarnings("ignore", _REFUSED, ResourceWarning)


def _have_ctrl_c() -> None:
    """Whoever runs the tests in the background hides SIGINT from them, and from what they start."""
    with suppress(ValueError):  # not the main thread
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _give_examples_time() -> None:
    """No example of hypothesis fails because the machine is busy."""
    with suppress(ModuleNotFoundError):  # the environment of alibi-detect has none
        from hypothesis import HealthCheck, settings

        unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        settings.register_profile("unhurried", unhurried)
        settings.load_profile("unhurried")
