"""Gives each test of the contract every kind of detector in turn."""

from __future__ import annotations

import functools

import pytest

from sidelight_detectors.fitted import Fitted
from tests.detector_contract.cases import CASES, fitted_for


@functools.cache
def _fitted(kind: str) -> Fitted:
    return fitted_for(kind)


@pytest.fixture(params=sorted(CASES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fitted(kind: str) -> Fitted:
    return _fitted(kind)


@pytest.fixture
def judging(kind: str) -> str:
    if not CASES[kind].judges:
        pytest.skip("this kind judges no windows")
    return kind


@pytest.fixture
def scoring(kind: str) -> str:
    if not CASES[kind].scores:
        pytest.skip("this kind scores no rows")
    return kind
