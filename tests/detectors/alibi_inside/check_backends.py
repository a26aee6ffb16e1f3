"""Detectors that need PyTorch or TensorFlow take the same path; tested where one is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from sidelight.errors import MissingExtra
from sidelight_detectors.alibi.building import BACKENDS
from sidelight_detectors.alibi.finding import AlibiFinding
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import WindowResult
from tests.detectors.alibi_inside.at_work import appointed, drained, log_of, worker_on
from tests.detectors.alibi_inside.check_restarts import with_restarts
from tests.detectors.traffic import rows

HAS_BACKEND = any(importlib.util.find_spec(name) for name in BACKENDS)

ASKED: dict[str, dict[str, Any]] = {
    "MMDDrift": {"args": {"n_permutations": 50}},
    "LSDDDrift": {"args": {"n_permutations": 50}},
    "MMDDriftOnline": {"args": {"ert": 50, "window_size": 10, "n_bootstraps": 300}},
    "LSDDDriftOnline": {"args": {"ert": 50, "window_size": 10, "n_bootstraps": 300}},
}


@pytest.mark.skipif(HAS_BACKEND, reason="a backend is installed")
@pytest.mark.parametrize("kind", ASKED)
def test_without_a_backend_the_message_says_what_is_missing(kind: str, tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=f"{kind} needs PyTorch or TensorFlow"):
        appointed(tmp_path, type=kind, **ASKED[kind])


@pytest.mark.skipif(not HAS_BACKEND, reason="neither PyTorch nor TensorFlow is installed")
@pytest.mark.parametrize("kind", ASKED)
def test_a_shift_is_found_and_a_restart_changes_no_answer(kind: str, tmp_path: Path) -> None:
    at = appointed(tmp_path, type=kind, window=40, **ASKED[kind])
    columns = rows(207, seed=3, shift=2.0)
    said = list(drained(worker_on(log_of(columns, 3), at)))
    whole = {record.key: record for record in map(output_record, said)}
    findings = [one.finding for one in said if isinstance(one, WindowResult)]
    assert all(
        isinstance(one, AlibiFinding) and min(one.p_value, default=1) > 0 for one in findings
    )
    assert findings[-1].is_drift
    cut = map(output_record, with_restarts(log_of(columns, 3), at, steps=1))
    assert {record.key: record for record in cut} == whole
    assert all(output_record(output_of(record)) == record for record in whole.values())
