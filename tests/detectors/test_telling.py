"""Panes as others read them: what the scorer said, added up, beside the reference."""

from __future__ import annotations

import operator
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from sidelight.config.settings import ModelSettings, Settings
from sidelight.errors import ArtifactError, DataMismatch, MalformedPayload
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE, PANES
from sidelight.panes import Pane, PaneReader, Part, open_panes
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.parts import KINDS
from sidelight_detectors.service.fitting import folder_of
from sidelight_detectors.service.planning import fitted_plans
from sidelight_detectors.streaming.panes import Pane as PaneOfScorer
from sidelight_detectors.summary import Summary, sum_of
from sidelight_detectors.telling.reader import FLAGGERS
from tests.detectors.traffic import MODEL, rows, settings, traffic
from tests.detectors.watching import records_of, watch


@dataclass(frozen=True)
class Told:
    """What a configuration's scorer said of some rows, and who reads it."""

    settings: Settings
    reader: PaneReader
    fitted: Fitted
    panes: tuple[Pane, ...]

    @property
    def parts(self) -> list[Part]:
        return [part for pane in self.panes for part in pane.parts]

    def sum(self, parts: Sequence[Part] | None = None) -> bytes:
        return self.reader.add([one.summary for one in parts or self.parts])


def configuration(folder: Path, **drift: Any) -> Settings:
    reference = folder / "reference.parquet"
    columns = {column.name: column.values.tolist() for column in rows(2000, seed=1)}
    pa.parquet.write_table(pa.table(columns), reference)
    model = settings(**drift).model_dump(mode="json", exclude_unset=True)
    return Settings.model_validate(
        {
            "log": {"url": str(folder / "log.db")},
            "models": {MODEL: {**model, "reference": str(reference)}},
            "detectors": {"run_rows": 60, "bucket_seconds": 7},
        }
    )


def said(told: Settings, columns: Columns) -> list[Record]:
    """The panes of these rows, five an exchange, a second apart."""
    log = MemoryLog()
    log.append(INFERENCE, traffic(columns, 5, version="1"))
    watch(log, [*fitted_plans(told).values()], told.detectors)
    return records_of(log, PANES)


@pytest.fixture(scope="module")
def income(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    found = configuration(tmp_path_factory.mktemp("income"))
    with open_panes(found) as reader:
        panes = map(reader.read, said(found, rows(400, seed=2, shift=0.5)))
        yield Told(found, reader, fitted_plans(found)[MODEL].fitted, tuple(panes))


def test_parts_hold_every_row_once_by_bucket(income: Told) -> None:
    assert sum(part.rows for part in income.parts) == 400
    for pane in income.panes:
        places = [(part.version, part.segment, part.begin_ns) for part in pane.parts]
        assert len(places) == len(set(places))
        for part in pane.parts:
            assert part.begin_ns % pane.bucket_ns == 0
            assert part.begin_ns <= part.first_ns <= part.last_ns < part.begin_ns + pane.bucket_ns


def test_the_sum_is_judged_as_the_rows_themselves(income: Told) -> None:
    observed = income.fitted.observe(income.fitted.index(rows(400, seed=2, shift=0.5))).summary
    assert Summary.from_bytes(income.sum()) == observed
    judged = income.fitted.judge(observed, 1)
    told = income.reader.compare(MODEL, income.fitted.plan, "", income.sum())
    assert told.rows == 400
    assert told.reference_rows == 2000
    assert told.tolerance == judged.tolerance
    for column, finding in zip(told.columns, judged.columns, strict=True):
        assert (column.name, column.method) == (finding.column, finding.method)
        assert column.effect == finding.effect
        assert (column.low, column.high) == (finding.low, finding.high)
        assert (column.p_value, column.p_threshold) == (finding.p_value, finding.threshold)
        assert column.drifted == finding.drifted
    assert [column.role for column in told.columns] == ["feature", "feature", "output"]


def test_flagged_rows_are_told_with_all_p_values(income: Told) -> None:
    (outlier,) = income.reader.compare(MODEL, income.fitted.plan, "", income.sum()).flagged
    assert outlier.rows == sum(part.flagged["outlier"] for part in income.parts)
    assert sum(outlier.p_values) == 400
    assert outlier.expected_rate == income.fitted.flaggers["outlier"].expected_rate


def test_detectors_that_flag_rows_are_all_known() -> None:
    told = settings().model_dump(exclude_unset=True)
    flagging = {"outlier": {"rate": 0.02}, "schema": {}, "disagreement": {"rate": 0.02}}
    model = ModelSettings.model_validate(
        {
            **told,
            "outputs": {"label": "categorical"},
            "outcome": {"prediction": "label"},
            "detectors": flagging,
        }
    )
    columns = rows(600, seed=1)
    label = (columns["age"].values > 40).astype(int)
    reference = Columns((columns["age"], columns["sex"], Column("label", label)))
    assert set(fit(reference, model).flaggers) == set(FLAGGERS) <= set(KINDS)


def test_segments_have_parts_and_references_of_their_own(tmp_path: Path) -> None:
    found = configuration(tmp_path, by="sex", min_reference_rows=100)
    with open_panes(found) as reader:
        panes = [reader.read(record) for record in said(found, rows(300, seed=2))]
        parts = [part for pane in panes for part in pane.parts]
        women = reader.add([part.summary for part in parts if part.segment == "f"])
        alone = reader.compare(MODEL, panes[0].plan, "f", women)
        everybody = reader.add([part.summary for part in parts])
        together = reader.compare(MODEL, panes[0].plan, "", everybody)
    assert alone.rows == (rows(300, seed=2)["sex"].values == "f").sum()
    assert alone.reference_rows == (rows(2000, seed=1)["sex"].values == "f").sum()
    assert (together.rows, together.reference_rows) == (300, 2000)
    with open_panes(found) as reader, pytest.raises(ArtifactError, match="no segment 'x'"):
        reader.compare(MODEL, panes[0].plan, "x", women)


def test_too_few_rows_are_not_judged_but_their_values_are_shown(income: Told) -> None:
    few = income.fitted.observe(income.fitted.index(rows(7, seed=3))).summary.to_bytes()
    told = income.reader.compare(MODEL, income.fitted.plan, "", few)
    assert "7 rows" in told.refused
    for column in told.columns:
        assert (column.effect, column.drifted, column.rows) == (None, False, 7)
        assert sum(bar.current for bar in column.bars) == pytest.approx(1)


def test_summaries_of_two_plans_do_not_add_up(income: Told, tmp_path: Path) -> None:
    other = fitted_plans(configuration(tmp_path, window=50))[MODEL].fitted
    strange = other.observe(other.index(rows(30, seed=1))).summary.to_bytes()
    with pytest.raises(DataMismatch, match="do not add up"):
        income.reader.add([income.sum(), strange])
    with pytest.raises(ArtifactError, match="were not counted by plan"):
        income.reader.compare(MODEL, income.fitted.plan, "", strange)
    forged = replace(Summary.from_bytes(income.sum()), sums={}).to_bytes()
    with pytest.raises(DataMismatch, match="do not add up"):
        income.reader.add([income.sum(), forged])
    with pytest.raises(DataMismatch, match="nothing to add up"):
        income.reader.add([])


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 8, b"\xff" * 100])
def test_garbage_is_no_pane(income: Told, content: bytes) -> None:
    with pytest.raises(MalformedPayload):
        income.reader.read(Record(content))
    with pytest.raises(MalformedPayload):
        income.reader.add([content])


def test_a_pane_whose_slices_do_not_add_up_is_refused(income: Told) -> None:
    pane = PaneOfScorer.from_record(said(income.settings, rows(60, seed=2))[0])
    one, *rest = pane.slices
    for summary in (
        replace(one.summary, sums={}),
        replace(one.summary, plan="00" * 32),
        replace(one.summary, counts=one.summary.counts[:-1]),
    ):
        forged = replace(pane, slices=(replace(one, summary=summary), *rest)).to_record()
        with pytest.raises(MalformedPayload, match="its slices"):
            income.reader.read(forged)


def test_the_kept_reference_is_found_without_the_table_it_came_from(tmp_path: Path) -> None:
    found = configuration(tmp_path)
    panes = said(found, rows(60, seed=2))
    (tmp_path / "reference.parquet").unlink()
    with open_panes(found) as reader:
        pane = reader.read(panes[0])
        assert reader.compare(MODEL, pane.plan, "", pane.parts[0].summary).reference_rows == 2000


def test_a_reference_that_is_not_kept_is_fitted_and_written_nowhere(tmp_path: Path) -> None:
    found = configuration(tmp_path)
    panes = said(found, rows(60, seed=2))
    shutil.rmtree(folder_of(found))
    with open_panes(found) as reader:
        pane = reader.read(panes[0])
        assert reader.compare(MODEL, pane.plan, "", pane.parts[0].summary).reference_rows == 2000
    assert not folder_of(found).exists()


def test_rows_of_an_earlier_plan_are_compared_as_long_as_its_reference_is_kept(
    tmp_path: Path,
) -> None:
    before = configuration(tmp_path)
    panes = said(before, rows(60, seed=2))
    now = configuration(tmp_path, window=50)
    with open_panes(now) as reader:
        pane = reader.read(panes[0])
        assert reader.compare(MODEL, pane.plan, "", pane.parts[0].summary).rows
    shutil.rmtree(folder_of(before))
    with open_panes(now) as reader, pytest.raises(ArtifactError, match="any more"):
        reader.compare(MODEL, pane.plan, "", pane.parts[0].summary)


def test_a_reference_that_comes_back_is_found_again(tmp_path: Path) -> None:
    before = configuration(tmp_path)
    panes = said(before, rows(60, seed=2))
    kept, away = folder_of(before), tmp_path / "away"
    shutil.move(kept, away)
    with open_panes(configuration(tmp_path, window=50)) as reader:
        pane = reader.read(panes[0])
        asked = (MODEL, pane.plan, "", pane.parts[0].summary)
        for _ in range(2):
            with pytest.raises(ArtifactError, match="any more"):
                reader.compare(*asked)
        shutil.move(away, kept)
        assert reader.compare(*asked).rows


def test_a_reference_of_the_users_own_is_found(tmp_path: Path) -> None:
    found = configuration(tmp_path)
    fitted = fitted_plans(found)[MODEL].fitted
    fitted.save(tmp_path / "own.npz")
    shutil.rmtree(folder_of(found))
    model = found.models[MODEL].model_copy(update={"reference": tmp_path / "own.npz"})
    own = found.model_copy(update={"models": {MODEL: model}})
    summary = fitted.observe(fitted.index(rows(60, seed=2))).summary.to_bytes()
    with open_panes(own) as reader:
        assert reader.compare(MODEL, fitted.plan, "", summary).rows == 60


def test_a_model_that_is_not_configured_has_no_reference(income: Told) -> None:
    with pytest.raises(ArtifactError, match="no model 'other'"):
        income.reader.compare("other", income.fitted.plan, "", income.sum())


def test_threads_share_a_reader(income: Told) -> None:
    with open_panes(income.settings) as reader, ThreadPoolExecutor(8) as threads:
        asked = [(MODEL, income.fitted.plan, "", part.summary) for part in income.parts] * 3
        found = list(threads.map(lambda one: reader.compare(*one).rows, asked))
    assert found == [part.rows for part in income.parts] * 3


def test_a_column_that_nobody_observed_has_no_effect(income: Told) -> None:
    features = Columns(tuple(one for one in rows(50, seed=2) if one.name != "score"))
    unseen = income.fitted.observe(income.fitted.index(features)).summary.to_bytes()
    told = income.reader.compare(MODEL, income.fitted.plan, "", unseen)
    score = told.columns[-1]
    assert (score.rows, score.effect, score.distance, score.p_value) == (0, None, None, 1.0)
    assert {bar.current for bar in score.bars} == {0.0}
    assert np.isclose(sum(bar.reference for bar in score.bars), 1)


def test_the_sum_of_parts_is_the_same_in_any_order(income: Told) -> None:
    parts = [part.summary for part in income.parts]
    whole = reduce(operator.add, map(Summary.from_bytes, parts))
    assert sum_of(parts) == sum_of(parts[::-1]) == whole
    assert sum_of(parts[:1]) == Summary.from_bytes(parts[0])
    assert [part.summary for part in income.parts] == parts
