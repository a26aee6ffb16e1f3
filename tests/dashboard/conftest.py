"""What the dashboard's tests may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidelight_dashboard.showing import Showing
from tests.dashboard.filled import filled


@pytest.fixture(scope="session")
def showing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Showing]:
    """A store filled with `filled.drifting`; only to be read."""
    with filled(tmp_path_factory.mktemp("filled")) as found:
        yield found
