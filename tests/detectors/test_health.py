"""The address of scoring, metrics and health."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from sidelight.config.addresses import Listen
from sidelight.errors import ConfigError
from sidelight_detectors.service.http.server import serve


def test_an_address_that_is_taken_is_named() -> None:
    with serve(Listen("127.0.0.1", 0), FastAPI()) as port:
        taken = f"127.0.0.1:{port}"
        with (
            pytest.raises(ConfigError, match=f"detectors.listen: cannot listen on {taken}"),
            serve(Listen.parse(taken), FastAPI()),
        ):
            pass
