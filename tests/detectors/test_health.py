"""The address of metrics and health."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from sidelight.config.addresses import Listen
from sidelight.errors import ConfigError
from sidelight_detectors.service.health import Readiness, application, serve


def test_an_address_that_is_taken_is_named() -> None:
    app = application(CollectorRegistry(), lambda: Readiness(True, ""))
    with serve(Listen("127.0.0.1", 0), app) as server:
        taken = f"127.0.0.1:{server.server_port}"
        with pytest.raises(ConfigError, match=f"detectors.listen {taken}"):
            serve(Listen.parse(taken), app)
        server.shutdown()
