"""Decisions that change with a protected attribute alone: counted, bounded, told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, binomtest

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError
from sidelight.events.exchanges import to_record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Columns
from sidelight_detectors.bias.intervals import difference
from sidelight_detectors.flips.counting import Limits, Pair, lower_limit, rate_of
from sidelight_detectors.flips.finding import FlipFinding
from sidelight_detectors.flips.station import FlipsStation, flips_station
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.results.findings import Alarm, WindowResult
from sidelight_detectors.stations.place import Place
from tests.detectors import data
from tests.detectors.test_stations import Time, drained, worker_on
from tests.detectors.traffic import MODEL, exchange, json_body
from tests.detectors.traffic import rows as people_of_traffic

NAMES = ("age", "education-num", "hours-per-week", "occupation", "gender", "ethnicity")
KINDS = {
    name: "numeric" if name in ("age", "education-num", "hours-per-week") else "categorical"
    for name in NAMES
}


def people() -> Columns:
    return data.census().select(NAMES)


def went_to_college(rows: Columns) -> NDArray[np.bool_]:
    """A decision that knows nothing of gender, and about as often good for women as for men."""
    return np.asarray(rows["education-num"].values >= 10, bool)


def blind(rows: Columns) -> Columns:
    return Columns.of(accepted=went_to_college(rows).astype(np.int64))


def turned(rows: Columns) -> Columns:
    """For women in some occupations the decision is turned round, as often up as down."""
    accepted, occupation = went_to_college(rows), rows["occupation"].values
    is_woman = rows["gender"].values == "Female"
    is_turned = np.isin(occupation, ["Adm-clerical", "Tech-support"])
    return Columns.of(accepted=(accepted ^ (is_woman & is_turned)).astype(np.int64))


def station(
    folder: Path,
    model: Callable[[Columns], Columns],
    features: dict[str, Any] | None = None,
    bias: dict[str, Any] | None = None,
    **asked: Any,
) -> FlipsStation:
    table = people().take(slice(0, 2000))
    table = Columns((*table.columns, *model(table).columns))
    saved = pa.table({column.name: column.values.tolist() for column in table})
    pyarrow.parquet.write_table(saved, folder / "reference.parquet")
    detectors: dict[str, Any] = {"flips": {"max_rows_per_minute": 10**6, **asked}}
    if bias is not None:
        detectors["bias"] = bias
    settings = ModelSettings.model_validate(
        {
            "reference": folder / "reference.parquet",
            "features": features or KINDS,
            "outputs": {"accepted": "categorical"},
            "outcome": {"prediction": "accepted", "positive": 1},
            "detectors": detectors,
        }
    )
    return flips_station(MODEL, settings, FunctionPredictor(model), Place(clock=Time()))


def _log(rows: Columns, each: int = 100) -> MemoryLog:
    log = MemoryLog()
    starts = range(0, len(rows), each)
    log.append(
        INFERENCE, [to_record(_asked(rows.take(slice(one, one + each)), one)) for one in starts]
    )
    return log


def _asked(rows: Columns, number: int) -> Any:
    inputs = [
        {
            "name": column.name,
            "shape": [len(rows)],
            "datatype": "FP64" if column.kind == "number" else "BYTES",
            "data": column.values.tolist(),
        }
        for column in rows
    ]
    output = {
        "name": "accepted",
        "shape": [len(rows)],
        "datatype": "INT64",
        "data": [0] * len(rows),
    }
    return replace(
        exchange(people_of_traffic(1, seed=0), number),
        request=json_body({"inputs": inputs}),
        response=json_body({"model_name": MODEL, "outputs": [output]}),
    )


def _windows(at: FlipsStation, rows: Columns) -> list[Any]:
    time = Time()
    return list(drained(worker_on(_log(rows), at, time), time))


def test_flips_find_what_the_rates_of_groups_do_not_show(tmp_path: Path) -> None:
    asked = people().take(slice(2000, 6000))
    decided = turned(asked)["accepted"].values
    is_woman = asked["gender"].values == "Female"
    women, men = decided[is_woman], decided[~is_woman]
    parity = difference(women.sum(), len(women), men.sum(), len(men), 1.96)
    assert -0.1 < parity.low < parity.high < 0.1  # No gap beyond the usual tolerance.

    said = _windows(station(tmp_path, turned, protected=["gender"], window=1000), asked)
    windows = [one for one in said if isinstance(one, WindowResult)]
    assert [one.finding.rows for one in windows] == [1000] * 4
    share = np.isin(asked["occupation"].values, ["Adm-clerical", "Tech-support"])
    for number, window in enumerate(windows):
        finding = window.finding
        assert isinstance(finding, FlipFinding)
        part = slice(1000 * number, 1000 * (number + 1))
        for one in finding.rates:
            own = is_woman[part] == (one.group == "Female")
            assert one.rows == own.sum()
            assert one.changed == (own & share[part]).sum()
            assert one.gained + one.lost == one.changed
            assert one.verdict == "unfair"
    (alarm,) = [one for one in said if isinstance(one, Alarm)]
    assert (alarm.detector, alarm.change, alarm.reason) == ("flips", "raised", "unfair")
    assert {one.column for one in alarm.suspects} == {
        "gender: Female as Male",
        "gender: Male as Female",
    }
    assert alarm.result == windows[0]
    for output in (windows[0], alarm):
        assert output_of(output_record(output)) == output


def test_a_model_that_does_not_look_at_the_attribute_is_fair(tmp_path: Path) -> None:
    said = _windows(
        station(tmp_path, blind, protected=["gender"], window=1000),
        people().take(slice(2000, 4000)),
    )
    windows = [one for one in said if isinstance(one, WindowResult)]
    assert not [one for one in said if isinstance(one, Alarm)]
    findings = [window.finding for window in windows]
    rates = [one for found in findings if isinstance(found, FlipFinding) for one in found.rates]
    assert {one.changed for one in rates} == {0}
    by_size = {one.verdict for one in rates if one.rows >= 200}
    assert by_size == {"fair"}
    assert {one.verdict for one in rates if 0 < one.rows < 100} <= {"not enough data"}


def test_attributes_are_those_of_bias_that_are_inputs(tmp_path: Path) -> None:
    bias = {
        "protected": {
            "gender": {},
            "years": {"column": "age", "bands": [30, 50]},
            "asked_by": {"header": "x-group", "groups": ["a", "b"]},
        }
    }
    at = station(tmp_path, blind, bias=bias)
    assert [change.attribute.name for change in at.changes] == ["gender", "years"]
    years = at.changes[1]
    assert years.groups == ("below 30", "30 to below 50", "50 and above")
    values = np.array(years.values)
    assert values[0] < 30 <= values[1] < 50 <= values[2]
    assert at.cost == 1 + 2 + 3
    rows = people().take(slice(0, 5))
    older = years.to(rows, 2)
    assert set(older["age"].values) == {years.values[2]}
    for name in NAMES[1:]:
        assert older[name] is rows[name]
    with pytest.raises(ConfigError, match="'asked_by' is no input of the model"):
        station(tmp_path, blind, bias=bias, protected=["asked_by"])
    with pytest.raises(ConfigError, match=r"detectors\.flips: 'wage' is no input"):
        station(tmp_path, blind, protected=["wage"])
    with pytest.raises(ConfigError, match="no protected attribute is an input"):
        station(tmp_path, blind)


def test_a_restart_in_the_middle_of_a_window_changes_nothing(tmp_path: Path) -> None:
    rows = people().take(slice(2000, 5000))
    at = station(tmp_path, turned, protected=["gender"], window=700)
    whole = [output_record(one) for one in _windows(at, rows)]
    log, found = _log(rows), []
    while True:
        time = Time()
        worker = worker_on(log, at, time)
        worker.most_records = 4
        time.now += 60.0
        found += [output_record(one) for one in worker.step(0.0)]
        if not worker.lag:
            break
    assert {one.key: one.value for one in found} == {one.key: one.value for one in whole}
    assert len(whole) >= 5


@pytest.mark.parametrize(("count", "rows"), [(0, 5), (1, 30), (7, 30), (30, 30), (250, 1000)])
def test_intervals_are_those_of_clopper_and_pearson(count: int, rows: int) -> None:
    told = rate_of(
        Pair("sex", "f", "m"), np.array([rows, count, count, 0]), Limits(0.9, 0.05, 0.1), 1
    )
    exact = binomtest(count, rows).proportion_ci(0.9, "exact")
    np.testing.assert_allclose([told.low, told.high], [exact.low, exact.high], rtol=1e-9)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
@pytest.mark.parametrize("rows", [20, 300])
def test_a_rate_at_the_tolerance_is_called_unfair_no_more_often_than_allowed(
    share: float, rows: int
) -> None:
    counts = np.arange(rows + 1)
    above = np.array([lower_limit(int(count), rows, 0.01) > share for count in counts])
    assert binom.pmf(counts, rows, share)[above].sum() <= 0.01


def test_a_finding_is_read_back_from_json() -> None:
    limits = Limits(0.95, 0.01, 0.02)
    rate = rate_of(Pair("sex", "f", "m"), np.array([100, 30, 10, 20]), limits, 2)
    finding = FlipFinding(0, 1, 100, 0.01, 0.02, (rate,))
    assert FlipFinding.from_json(orjson.loads(orjson.dumps(finding))) == finding
