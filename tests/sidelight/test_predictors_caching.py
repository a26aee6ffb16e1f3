from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sidelight.errors import PredictorError
from sidelight.predictors.answers import Answers
from sidelight.predictors.caching import RowCache
from sidelight.predictors.identity import first_places, pattern, row_keys
from sidelight.tensors import Column, Columns, column_of


def told(*values: float, version: str = "1") -> Columns:
    return Columns((Column("y", np.array(values, float)),), {"model_version": version})


def keys(text: str) -> list[bytes]:
    return [one.encode() for one in text]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def known(cache: RowCache, text: str) -> dict[str, float]:
    found, answers = cache.known(keys(text))
    values = answers["y"].values.tolist() if found else []
    return dict(zip([one.decode() for one in found], values, strict=True))


def test_answers_are_known_by_their_rows_in_any_order() -> None:
    cache = RowCache(1 << 20, 60)
    cache.keep(keys("ab"), told(1, 2))
    cache.keep(keys("cd"), told(3, 4))
    assert known(cache, "dxab") == {"d": 4, "a": 1, "b": 2}


def test_an_answer_counts_for_the_set_time() -> None:
    clock = Clock()
    cache = RowCache(1 << 20, 10, clock)
    cache.keep(keys("a"), told(1))
    clock.now += 5
    cache.keep(keys("b"), told(2))
    clock.now += 5
    assert known(cache, "ab") == {"b": 2}
    clock.now += 5
    assert known(cache, "ab") == {}
    assert cache.bytes == 0


def test_a_new_version_of_the_model_drops_what_the_old_one_said() -> None:
    cache = RowCache(1 << 20, 60)
    cache.keep(keys("a"), told(1))
    cache.keep(keys("b"), told(2, version="2"))
    assert known(cache, "ab") == {"b": 2}


def test_another_form_of_the_answer_is_another_model() -> None:
    cache = RowCache(1 << 20, 60)
    cache.keep(keys("a"), told(1))
    cache.keep(keys("b"), Columns((column_of("label", ["yes"]),), {"model_version": "1"}))
    assert known(cache, "a") == {}


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    cache = RowCache(20_000, 60)
    for at in range(100):
        cache.keep([f"{at}:{one}".encode() for one in range(10)], told(*range(10)))
        assert cache.bytes <= 20_000
    found, _ = cache.known([b"0:0", b"99:0"])
    assert found == [b"99:0"]


def test_what_would_not_fit_at_all_is_not_kept_and_drops_nothing() -> None:
    cache = RowCache(2000, 60)
    cache.keep(keys("a"), told(1))
    cache.keep([str(one).encode() for one in range(100)], told(*range(100)))
    assert known(cache, "a") == {"a": 1}


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    cache = RowCache(0, 60)
    cache.keep(keys("a"), told(1))
    assert known(cache, "a") == {}


def test_an_answer_asked_again_outlives_the_first() -> None:
    clock = Clock()
    cache = RowCache(1 << 20, 10, clock)
    cache.keep(keys("ab"), told(1, 2))
    clock.now += 5
    cache.keep(keys("a"), told(7))
    clock.now += 6
    assert known(cache, "ab") == {"a": 7}


def test_answers_of_several_calls_come_in_the_order_of_the_rows() -> None:
    answers = Answers()
    answers.add(keys("abc"), told(1, 2, 3))
    answers.add(keys("de"), told(4, 5))
    assert answers.of(keys("ebda"))["y"].values.tolist() == [5, 2, 4, 1]


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=1, max_size=6))
def test_the_latest_answer_to_each_row_is_found_whatever_came_before(
    asked: list[list[int]],
) -> None:
    answers, truth, blocks = Answers(), dict[int, float](), []
    for number, rows in enumerate(asked):
        different = list(dict.fromkeys(rows))
        values = [100.0 * number + row for row in different]
        names = [str(row).encode() for row in different]
        blocks.append((names, answers.add(names, told(*values))))
        truth |= dict(zip(different, values, strict=True))
    names, oldest = blocks[0]
    answers.drop(names, oldest)
    truth = {row: value for row, value in truth.items() if value >= 100}
    every = [str(row).encode() for row in range(13)]
    assert answers.among(every) == [str(row).encode() for row in sorted(truth)]
    assert answers.missing(every) == [row for row in range(13) if row not in truth]
    wanted = [*sorted(truth), *sorted(truth, reverse=True)]
    if wanted:
        found = answers.of([str(row).encode() for row in wanted])
        assert found["y"].values.tolist() == [truth[row] for row in wanted]


def test_answers_that_changed_their_form_are_the_predictors_error() -> None:
    answers = Answers()
    answers.add(keys("a"), told(1))
    answers.add(keys("b"), Columns((column_of("y", ["yes"]),)))
    with pytest.raises(PredictorError, match="changed their form"):
        answers.of(keys("ab"))


TABLES = st.integers(1, 4).flatmap(
    lambda width: arrays.arrays(
        np.float64, st.tuples(st.integers(1, 20), st.just(width)), elements=st.integers(0, 1)
    )
)


@given(TABLES)
def test_keys_are_equal_where_rows_are(table: np.ndarray) -> None:
    rows = Columns(
        (
            *(Column(f"f{at}", one) for at, one in enumerate(table.T)),
            column_of("word", ["yes" if one else "no" for one in table[:, 0]]),
        )
    )
    told = row_keys(rows)
    for one in range(len(table)):
        for other in range(len(table)):
            assert (told[one] == told[other]) == bool((table[one] == table[other]).all())
    first = [table[at].tolist() for at in first_places(told)]
    assert first == [list(one) for one in dict.fromkeys(map(tuple, table.tolist()))]


def test_keys_are_the_same_in_another_table_of_the_pattern() -> None:
    one = Columns.of(x=[1.0, 2.0], word=["a", "bb"])
    other = Columns.of(x=[2.0, 7.0], word=["bb", "c"])
    assert row_keys(one)[1] == row_keys(other)[0]


@pytest.mark.parametrize(
    "other",
    [
        Columns.of(x=np.array([1.0], np.float32)),
        Columns.of(x=[np.float64(1).view(np.int64)]),
        Columns.of(z=[1.0]),
        Columns.of(x=[b"1"]),
        Columns.of(x=[[1.0]]),
        Columns((Column("x", np.array([1.0]), np.array([True])),)),
        Columns((Column("x", np.array([1.0]), parameters={"content_type": "np"}),)),
        Columns((Column("x", np.array([1.0])),), {"parameters": {"content_type": "pd"}}),
    ],
)
def test_another_pattern_is_another_row_whatever_its_bytes(other: Columns) -> None:
    ours = Columns.of(x=[1.0])
    assert pattern(ours) != pattern(other)
    assert row_keys(ours) != row_keys(other)


def test_text_and_bytes_nulls_and_their_neutral_values_differ() -> None:
    text, raw = Columns.of(x=["a"]), Columns.of(x=[b"a"])
    assert row_keys(text) != row_keys(raw)
    nulls = Columns((Column("x", np.zeros(2), np.array([True, False])),))
    assert len(set(row_keys(nulls))) == 2


def test_long_rows_have_short_keys() -> None:
    pictures = np.arange(3 * 32 * 32 * 3, dtype=np.uint8).reshape(3, 32, 32, 3)
    told = row_keys(Columns((Column("picture", pictures),)))
    assert len(set(told)) == 1 + (not (pictures[0] == pictures[1]).all()) * 2
    assert {len(one) for one in told} == {16}


def test_an_id_of_the_request_makes_no_other_rows() -> None:
    rows = Columns.of(x=[1.0])
    assert row_keys(rows) == row_keys(Columns(rows.columns, {"id": "7"}))
