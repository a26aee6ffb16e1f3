"""Gives each test of the contract every case in turn."""

from __future__ import annotations

import functools

import pytest

from sidelight_detectors.fitted import Fitted
from tests.detector_contract.cases import CASES, Case, fitted_for


@functools.cache
def _fitted(name: str) -> Fitted:
    return fitted_for(name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`name` is each case's that does what the test asks of it."""
    if "name" in metafunc.fixturenames:
        asked = metafunc.fixturenames
        names = [
            name
            for name, case in sorted(CASES.items())
            if (case.judges or "judging" not in asked)
            and (case.scores or "scoring" not in asked)
            and (case.folds or "folding" not in asked)
        ]
        metafunc.parametrize("name", names)


@pytest.fixture
def case(name: str) -> Case:
    return CASES[name]


@pytest.fixture
def fitted(name: str) -> Fitted:
    return _fitted(name)


@pytest.fixture
def judging(case: Case) -> str:
    """The kind, of a case that judges windows."""
    return case.kind


@pytest.fixture
def scoring(case: Case) -> str:
    """The kind, of a case that scores rows."""
    return case.kind


@pytest.fixture
def folding(case: Case) -> str:
    """The kind, of a case whose decider remembers rows."""
    return case.kind
