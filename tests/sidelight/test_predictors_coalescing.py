from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from time import monotonic
from typing import Any

import numpy as np
import pytest

from sidelight.config.settings import PredictorSettings
from sidelight.errors import PredictorError, PredictorTimeout
from sidelight.predictors import open_predictor, spending
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.identity import row_keys
from sidelight.predictors.pending import Pending
from sidelight.predictors.remote import TOO_LARGE, UNREADABLE
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from tests.sidelight.predictor_servers import doubled, serving


class Gate:
    """Doubles `x`, holding each call until it is let through; what was asked, by call."""

    def __init__(self, held: bool = True) -> None:
        self.calls: list[list[float]] = []
        self.lock = Lock()
        self.open = Event()
        self.came = Event()
        if not held:
            self.open.set()

    def __call__(self, rows: Columns) -> Columns:
        x = rows.columns[0].values
        with self.lock:
            self.calls.append(x.tolist())
        self.came.set()
        assert self.open.wait(20)
        return Columns((Column("y", 2 * x),))


def xs(*values: float) -> Columns:
    return Columns.of(x=np.array(values, float))


def begin(coalescing: Coalescing, rows: Columns) -> Pending:
    return coalescing.begin(rows, row_keys(rows))


def held_up(
    asked: Callable[[Columns], Columns], slow_seconds: float = 60.0, **how: int
) -> tuple[Coalescing, Pending]:
    """A call under way, so that what is asked next waits."""
    coalescing = Coalescing(FunctionPredictor(asked), slow_seconds=slow_seconds, **how)
    return coalescing, begin(coalescing, xs(-1.0))


def y(pending: Pending) -> list[float]:
    return [float(one) for one in pending.answer()["y"].values]


def test_a_lone_question_goes_at_once_and_as_it_is() -> None:
    gate = Gate(held=False)
    coalescing = Coalescing(FunctionPredictor(gate))
    with spending() as spent:
        assert coalescing(xs(1, 2))["y"].values.tolist() == [2, 4]
    coalescing.close()
    assert gate.calls == [[1, 2]]
    assert (spent.calls, spent.rows) == (1, 2)


def test_what_is_asked_while_calls_are_under_way_travels_in_one_call() -> None:
    gate = Gate()
    coalescing, early = held_up(gate)
    late = [begin(coalescing, xs(at, at + 0.5)) for at in range(14)]
    gate.open.set()
    assert [y(one) for one in late] == [[2.0 * at, 2.0 * at + 1] for at in range(14)]
    assert y(early) == [-2.0]
    coalescing.close()
    assert len(gate.calls) == 2
    assert all(one.calls == 1 for one in late)
    assert (coalescing.sent.calls, coalescing.sent.rows) == (2, 29)


def test_rows_that_several_questions_hold_are_sent_once() -> None:
    gate = Gate()
    coalescing, _ = held_up(gate)
    late = [begin(coalescing, xs(7, 7, at)) for at in range(5)]
    gate.open.set()
    assert [y(one) for one in late] == [[14, 14, 2.0 * at] for at in range(5)]
    coalescing.close()
    assert gate.calls[1] == [7, 0, 1, 2, 3, 4]


def test_no_call_is_larger_than_allowed_but_for_one_question_that_is() -> None:
    gate = Gate()
    coalescing, _ = held_up(gate, max_batch_rows=4, max_in_flight=2)
    late = [begin(coalescing, xs(*range(at, at + 3))) for at in range(0, 30, 3)]
    large = begin(coalescing, xs(*range(100, 106)))
    gate.open.set()
    answers = [y(one) for one in (*late, large)]
    coalescing.close()
    assert answers[-1] == [2.0 * one for one in range(100, 106)]
    assert sorted(map(len, gate.calls)) == [1, *[3] * 10, 6]


def test_full_calls_do_not_wait_for_the_one_under_way() -> None:
    gate = Gate()
    coalescing, _ = held_up(gate, max_batch_rows=4, max_in_flight=5)
    full = [begin(coalescing, xs(at, at + 1, at + 2, at + 3)) for at in range(0, 20, 4)]
    deadline = monotonic() + 10
    while len(gate.calls) < 5 and monotonic() < deadline:
        gate.came.wait(0.01)
    assert len(gate.calls) == 5  # not all six: five at one time is what is allowed
    gate.open.set()
    assert [len(y(one)) for one in full] == [4] * 5
    coalescing.close()


def test_only_tables_of_one_pattern_are_joined() -> None:
    seen: list[tuple[Any, ...]] = []
    gate = Gate()

    def asked(rows: Columns) -> Columns:
        seen.append(tuple((one.name, one.values.dtype.str) for one in rows))
        return gate(rows)

    coalescing, _ = held_up(asked)
    kinds = [xs(3.0), Columns.of(x=np.array([4])), Columns.of(z=np.array([5.0])), xs(6.0)]
    late = [begin(coalescing, one) for one in kinds]
    gate.open.set()
    assert [y(one) for one in late] == [[6], [8], [10], [12]]
    coalescing.close()
    assert sorted(len(one) for one in gate.calls) == [1, 1, 1, 2]
    assert (("x", "<i8"),) in seen


def failing(gate: Gate, error: Callable[[], Exception]) -> Callable[[Columns], Columns]:
    """As the gate, but for calls in which there is a 13."""

    def asked(rows: Columns) -> Columns:
        answer = gate(rows)
        if 13 in rows.columns[0].values:
            raise error()
        return answer

    return asked


@pytest.mark.parametrize(
    "error",
    [
        lambda: PredictorError("no 13", status=422),
        lambda: PredictorError("no 13 that can be read", status=UNREADABLE),
        lambda: PredictorError("no 13 of that size", status=TOO_LARGE),
        lambda: ValueError("no 13"),
    ],
)
def test_the_fault_of_one_question_is_not_the_others(error: Callable[[], Exception]) -> None:
    gate = Gate()
    coalescing, _ = held_up(failing(gate, error))
    late = [begin(coalescing, xs(at)) for at in (12, 13, 14)]
    gate.open.set()
    assert y(late[0]) == [24]
    with pytest.raises((PredictorError, ValueError), match="no 13"):
        late[1].answer()
    assert y(late[2]) == [28]
    coalescing.close()
    assert late[0].calls == 2


@pytest.mark.parametrize(
    "error",
    [
        lambda: PredictorError("gone", status=503),
        lambda: PredictorError("refused"),
        lambda: PredictorTimeout("late"),
    ],
)
def test_what_is_no_ones_fault_is_told_to_all_without_asking_again(
    error: Callable[[], Exception],
) -> None:
    gate = Gate()
    coalescing, _ = held_up(failing(gate, error))
    late = [begin(coalescing, xs(at)) for at in (12, 13, 14)]
    gate.open.set()
    for one in late:
        with pytest.raises(PredictorError):
            one.answer()
    coalescing.close()
    assert len(gate.calls) == 2


def test_too_few_answers_are_an_error() -> None:
    coalescing = Coalescing(FunctionPredictor(lambda rows: rows.take(slice(1))))
    with pytest.raises(PredictorError, match="1 rows in answer to 3"):
        coalescing(xs(1, 2, 3))
    coalescing.close()


def test_who_leaves_before_the_call_is_not_asked_for() -> None:
    gate = Gate()
    coalescing, _ = held_up(gate)
    gone, stays = begin(coalescing, xs(5.0)), begin(coalescing, xs(6.0))
    gone.leave()
    gate.open.set()
    assert y(stays) == [12]
    coalescing.close()
    assert gate.calls[1:] == [[6]]


def test_a_call_is_taken_back_when_the_last_one_leaves_and_not_before() -> None:
    came, lost = Event(), Event()

    def never(connection: socket.socket, _body: bytes) -> None:
        came.set()
        connection.settimeout(20)
        if connection.recv(1) == b"":
            lost.set()

    with serving(never) as server:
        settings = PredictorSettings(url=server.url, timeout_seconds=30, retries=0)
        coalescing = Coalescing(open_predictor("m", settings), slow_seconds=60)
        blocked = begin(coalescing, xs(1.0))
        pair = [begin(coalescing, xs(3.0)), begin(coalescing, xs(4.0))]
        assert came.wait(10)
        blocked.leave()  # its call ends, and the pair travels
        assert lost.wait(10)
        lost.clear()
        while len(server.requests) < 2:
            lost.wait(0.01)
        pair[0].leave()
        assert not lost.wait(0.2)
        pair[1].leave()
        assert lost.wait(10)
        coalescing.close()


def test_a_call_that_hangs_holds_nobody_up_for_long() -> None:
    gate = Gate()

    def asked(rows: Columns) -> Columns:
        if rows.columns[0].values[0] < 0:
            return gate(rows)
        return Columns((Column("y", 2 * rows.columns[0].values),))

    coalescing, early = held_up(asked, slow_seconds=0.1)
    late = begin(coalescing, xs(5.0))
    assert y(late) == [10]
    assert not early.is_done(0)
    gate.open.set()
    coalescing.close()


def test_what_is_large_in_bytes_is_a_full_call_too() -> None:
    gate = Gate()
    coalescing, _ = held_up(gate, max_in_flight=1)
    late = [begin(coalescing, Columns.of(x=np.full((1, 225_000), float(at)))) for at in range(5)]
    gate.open.set()
    assert [one.answer()["y"].values.shape for one in late] == [(1, 225_000)] * 5
    coalescing.close()
    assert [len(one) for one in gate.calls] == [1, 2, 2, 1]


def never_told(connection: socket.socket, _body: bytes) -> None:
    connection.recv(1)


def test_closing_ends_what_is_under_way_and_what_waits() -> None:
    with serving(never_told) as server:
        settings = PredictorSettings(url=server.url, timeout_seconds=30, retries=0)
        coalescing = Coalescing(open_predictor("m", settings), max_in_flight=2)
        asked = [begin(coalescing, xs(float(at))) for at in range(4)]
        coalescing.close()
        for one in asked:
            assert one.is_done(5)
    with pytest.raises(PredictorError, match="closed"):
        begin(coalescing, xs(1.0))


def test_many_threads_get_each_its_own_answer_in_few_calls() -> None:
    def slow(connection: socket.socket, body: bytes) -> None:
        Event().wait(0.02)
        doubled(connection, body)

    with serving(slow) as server:
        coalescing = Coalescing(open_predictor("m", PredictorSettings(url=server.url)))

        def ask(at: int) -> bool:
            answer = coalescing(xs(*range(at, at + 9)))
            return bool(answer["y"].values.tolist() == [2.0 * one for one in range(at, at + 9)])

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(ask, range(160)))
        coalescing.close()
    assert coalescing.sent.calls <= 160 / 4
    assert len(server.requests) == coalescing.sent.calls


@pytest.mark.parametrize("seed", range(3))
def test_whoever_leaves_or_fails_the_others_get_their_answers(seed: int) -> None:
    def moody(rows: Columns) -> Columns:
        x = rows["x"].values
        Event().wait(0.001)
        if (x == 13).any():
            raise PredictorError("no 13", status=400)
        return Columns((Column("y", 2 * x),))

    coalescing = Coalescing(FunctionPredictor(moody), max_batch_rows=40, max_in_flight=3)

    def ask(number: int) -> bool:
        rng = np.random.default_rng((seed, number))
        x = rng.integers(0, 60, rng.integers(1, 30)).astype(float)
        pending = begin(coalescing, xs(*x))
        if rng.random() < 0.2:
            pending.leave()
            return True
        assert pending.is_done(30)
        if (x == 13).any():
            with pytest.raises(PredictorError, match="no 13"):
                pending.answer()
            return True
        return bool(y(pending) == (2 * x).tolist())

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(300)))
    coalescing.close()


def test_what_is_large_already_does_not_wait_to_grow() -> None:
    gate = Gate()
    coalescing, _ = held_up(gate)
    late = [begin(coalescing, xs(*range(at, at + 1500))) for at in (0, 2000, 4000, 6000)]
    deadline = monotonic() + 10
    while len(gate.calls) < 2 and monotonic() < deadline:
        gate.came.wait(0.01)
    assert [len(one) for one in gate.calls] == [1, 4500]
    gate.open.set()
    assert [len(y(one)) for one in late] == [1500] * 4
    coalescing.close()
    assert [len(one) for one in gate.calls] == [1, 4500, 1500]
