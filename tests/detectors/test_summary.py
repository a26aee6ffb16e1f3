from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch, MalformedPayload
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.summary import Summary, empty_summary

PLAN = "ab" * 32

MODEL = ModelSettings.model_validate({"detectors": {"drift": {}, "outlier": {"rate": 0.05}}})


def rows_of(count: int, seed: int, columns: int = 3) -> Columns:
    rng = np.random.default_rng(seed)
    numbers = {f"x{i}": rng.normal(size=count) for i in range(columns)}
    names = np.array(["red", "green", "blue"], object)
    return Columns.of(**numbers, colour=rng.choice(names, count, p=[0.6, 0.3, 0.1]))


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit(rows_of(2000, 0), MODEL)


counts = st.lists(st.sampled_from([0, 0, 0, 1, 2, 255, 256, 70_000, 2**40]), max_size=40)


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    cells = np.array(draw(counts), np.int64)
    numbers = st.lists(st.sampled_from([0, 1, -1, 127, -128, 2**15, -(2**31), 2**62]), max_size=9)
    named = draw(st.dictionaries(st.sampled_from(["outlier", "joint", "é"]), numbers))
    sums = {name: np.array(values, np.int64) for name, values in named.items()}
    return Summary(PLAN, draw(st.integers(0, 2**40)), cells, sums)


@given(summaries())
def test_a_summary_survives_its_bytes(summary: Summary) -> None:
    data = summary.to_bytes()

    assert Summary.from_bytes(data) == summary
    assert Summary.from_bytes(data).to_bytes() == data


@given(summaries(), st.data())
def test_bytes_that_are_cut_or_run_on_are_one_typed_error(
    summary: Summary, data: st.DataObject
) -> None:
    whole = summary.to_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))

    for damaged in (whole[:place], whole + whole[:1], whole + whole):
        with pytest.raises(MalformedPayload):
            Summary.from_bytes(damaged)


@given(summaries(), st.data())
def test_a_changed_byte_is_refused_or_means_nothing(summary: Summary, data: st.DataObject) -> None:
    """A deflate stream has bits that carry nothing: the compression level, the last byte's rest."""
    changed = bytearray(summary.to_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        read = Summary.from_bytes(bytes(changed))
    except MalformedPayload:
        return
    assert read == summary


@pytest.mark.parametrize(("rows", "counts"), [(-1, [5]), (3, [2**40, -5])])
def test_counts_below_zero_are_refused(rows: int, counts: list[int]) -> None:
    data = Summary(PLAN, rows, np.array(counts)).to_bytes()

    with pytest.raises(MalformedPayload):
        Summary.from_bytes(data)


@given(st.permutations(range(500)), st.lists(st.integers(0, 500), max_size=6))
def test_a_summary_is_the_same_under_any_cut_and_order(
    fitted: Fitted, order: list[int], cuts: list[int]
) -> None:
    rows = fitted.index(rows_of(500, 1))
    whole = fitted.summarise(rows)
    parts = [fitted.summarise(rows.take(part)) for part in np.split(np.array(order), sorted(cuts))]

    total = fitted.nothing
    for part in parts:
        total = part + total

    assert total.to_bytes() == whole.to_bytes()
    assert total - parts[0] + parts[0] == whole


def test_what_is_counted_is_what_was_there(fitted: Fitted) -> None:
    summary = fitted.summarise(fitted.index(Columns.of(x0=[0.0], x1=[0.0], x2=[9e9], colour=["?"])))

    assert summary.rows == 1
    assert [part.sum() for part in fitted.grid.split(summary.counts)] == [1, 1, 1, 1]
    assert summary.flagged("outlier") == 1
    assert summary.sums["outlier"].tolist() == [1, 1] + [0] * 19


def test_scores_come_with_the_summary(fitted: Fitted) -> None:
    seen = fitted.observe(fitted.index(rows_of(300, 2)))

    assert seen.summary.flagged("outlier") == seen.scores["outlier"].flagged.sum()


def test_summaries_of_different_plans_do_not_add_up() -> None:
    with pytest.raises(DataMismatch, match="do not add up"):
        empty_summary("ab" * 32, 3) + empty_summary("cd" * 32, 3)


def test_a_pane_of_a_thousand_rows_and_thirty_columns_is_at_most_five_kilobytes() -> None:
    fitted = fit(rows_of(5000, 3, columns=29), MODEL)

    assert len(fitted.summarise(fitted.index(rows_of(1000, 4, columns=29))).to_bytes()) <= 5000
