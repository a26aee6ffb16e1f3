"""Gives each test of the contract every engine in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidelight.log import Log
from tests.log_contract.engines import ENGINES, LogEngine
from tests.log_contract.processes import end_all


@pytest.fixture(params=sorted(ENGINES))
def log_engine(request: pytest.FixtureRequest) -> Iterator[LogEngine]:
    engine = ENGINES[request.param](request)
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def no_process_outlives_its_test() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture
def log(log_engine: LogEngine) -> Log:
    return log_engine.open()


@pytest.fixture
def lasting_engine(log_engine: LogEngine) -> LogEngine:
    """An engine whose log outlives the process that writes it."""
    if not log_engine.lasting:
        pytest.skip("this engine keeps nothing beyond its process")
    return log_engine


@pytest.fixture
def exclusive_engine(log_engine: LogEngine) -> LogEngine:
    """An engine that gives a group to one consumer at a time."""
    if log_engine.sharing:
        pytest.skip("the consumers of a group share its partitions")
    return log_engine


@pytest.fixture
def sharing_engine(log_engine: LogEngine) -> LogEngine:
    """An engine whose groups share partitions among their consumers."""
    if not log_engine.sharing:
        pytest.skip("a group has one consumer at a time")
    return log_engine
