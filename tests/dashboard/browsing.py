"""Asks the dashboard's app as a browser or a program does."""

from __future__ import annotations

from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from sidelight_dashboard.app import create_app
from sidelight_dashboard.showing import Showing


def client(showing: Showing) -> TestClient:
    """A ready dashboard at the address where it listens."""
    app = create_app(showing, CollectorRegistry(), lambda: None)
    return TestClient(app, base_url=f"http://{showing.settings.dashboard.listen}")
