from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Timer
from time import monotonic
from typing import Any

import numpy as np
import pytest

from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings, PredictorSettings
from sidelight.errors import PredictorError
from sidelight.predictors import open_predictor
from sidelight.predictors.caching import RowCache
from sidelight.predictors.coalescing import Coalescing
from sidelight.predictors.contract import Predictor
from sidelight.predictors.sharing import SharedPredictor
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Asking, Cancelled, OutOfTime
from sidelight_explainers.models import Explained, OpenMethod
from sidelight_explainers.subject import Subject
from tests.explainers.serving import ModelProcess
from tests.explainers.watching import Watching
from tests.sidelight.predictor_servers import serving


def xs(*values: float) -> Columns:
    return Columns.of(x=np.array(values, float))


class Counting:
    """Doubles `x`; adds `drift` more with each call. Says the version that it is given."""

    def __init__(self, drift: float = 0.0) -> None:
        self.asked: list[list[float]] = []
        self.drift = drift
        self.version = "1"

    def __call__(self, rows: Columns) -> Columns:
        values = rows["x"].values
        y = 2 * values + self.drift * len(self.asked)
        self.asked.append(values.tolist())
        return Columns((Column("y", y),), {"model_version": self.version})


@contextmanager
def shared(predictor: Predictor, cache_bytes: int = 0) -> Iterator[SharedPredictor]:
    opened = SharedPredictor(Coalescing(predictor), RowCache(cache_bytes))
    yield opened
    opened.close()


def y(answers: Columns) -> list[float]:
    return [float(one) for one in answers["y"].values]


def test_each_different_row_is_asked_once_but_the_explained_one() -> None:
    counting = Counting()
    with shared(FunctionPredictor(counting)) as predictor:
        asking = Asking(predictor, 100, 10)
        assert y(asking.ask(xs(1, 2, 1, 2, 3))) == [2, 4, 2, 4, 6]
        assert y(asking.ask(xs(3, 4, 1))) == [6, 8, 2]
        assert y(asking.ask(xs(4, 3))) == [8, 6]
        quality = asking.quality("accurate")
    assert counting.asked == [[1, 2, 1, 3], [4]]
    assert (quality.rows, quality.calls, quality.cached) == (5, 2, 0)
    assert asking.left == 95


def test_an_unsteady_predictor_shows_though_its_answers_are_kept() -> None:
    counting = Counting(drift=0.25)
    with shared(FunctionPredictor(counting), cache_bytes=1 << 20) as predictor:
        first = y(Asking(predictor, 100, 10).ask(xs(1, 1, 2)))
        second = y(Asking(predictor, 100, 10).ask(xs(1, 1, 2)))
    assert first == [2, 2, 4]
    assert second == [2.25, 2, 4]


def test_answers_to_others_are_used_and_counted_as_rows_of_the_budget() -> None:
    counting = Counting()
    with shared(FunctionPredictor(counting), cache_bytes=1 << 20) as predictor:
        Asking(predictor, 100, 10).ask(xs(1, 2, 3))
        asking = Asking(predictor, 100, 10)
        assert y(asking.ask(xs(9, 3, 2, 4))) == [18, 6, 4, 8]
        assert y(asking.ask(xs(2, 3))) == [4, 6]
        quality = asking.quality("budget")
    assert counting.asked == [[1, 2, 3], [9, 4]]
    assert (quality.rows, quality.cached, quality.calls, asking.left) == (4, 2, 1, 96)


def test_a_question_whose_answers_are_all_known_is_no_call() -> None:
    counting = Counting()
    with shared(FunctionPredictor(counting), cache_bytes=1 << 20) as predictor:
        Asking(predictor, 100, 10).ask(xs(1, 2, 3))
        asking = Asking(predictor, 100, 10)
        asking.ask(xs(5))
        assert y(asking.ask(xs(3, 2))) == [6, 4]
        assert asking.quality("budget").calls == 1
    assert counting.asked == [[1, 2, 3], [5]]


def test_answers_of_an_old_version_are_asked_again_not_mixed_with_the_news() -> None:
    counting = Counting()
    with shared(FunctionPredictor(counting), cache_bytes=1 << 20) as predictor:
        Asking(predictor, 100, 10).ask(xs(1, 2, 3))
        counting.version, counting.drift = "2", 100.0
        asking = Asking(predictor, 100, 10)
        answers = y(asking.ask(xs(9, 2, 3)))
        quality = asking.quality("budget")
    assert counting.asked == [[1, 2, 3], [9], [2, 3]]
    assert answers == [118, 204, 206]
    assert (quality.cached, quality.calls) == (0, 2)


def test_concurrent_explanations_ask_a_real_server_together_and_each_right() -> None:
    server = ModelProcess()
    server.start()
    settings = PredictorSettings(url=server.url)
    predictor = SharedPredictor(Coalescing(open_predictor("m", settings)), RowCache())
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=(50, 2)) for _ in range(32)]

    def explain(table: np.ndarray) -> Any:
        asking = Asking(predictor, 1000, 30)
        rows = Columns((Column("a", table[:, 0]), Column("b", table[:, 1])))
        halves = [asking.ask(rows.take(part)) for part in (slice(25), slice(25, 50))]
        return Columns.concatenate(halves)["probability"].values[:, 1]

    try:
        alone = [explain(table) for table in tables]
        before = predictor.sent.calls
        with ThreadPoolExecutor(16) as pool:
            together = list(pool.map(explain, tables))
    finally:
        predictor.close()
        server.kill()
    np.testing.assert_array_equal(np.array(alone), np.array(together))
    assert before == 64
    assert predictor.sent.calls - before < 64


@contextmanager
def hanging() -> Iterator[SharedPredictor]:
    """A predictor in this process that does not answer."""
    release = Event()

    def hang(rows: Columns) -> Columns:
        release.wait(20)
        return rows

    predictor = SharedPredictor(Coalescing(FunctionPredictor(hang)), RowCache())
    try:
        yield predictor
    finally:
        release.set()
        predictor.close()


def test_the_deadline_ends_the_wait_for_a_predictor_that_hangs() -> None:
    with hanging() as predictor:
        asking = Asking(predictor, 100, 0.3)
        started = monotonic()
        with pytest.raises(OutOfTime, match=r"within 0\.3 s"):
            asking.ask(xs(1))
        assert monotonic() - started >= 0.3
        with pytest.raises(OutOfTime):
            asking.ask(xs(2))
        assert not asking.affords(1)


def test_whoever_leaves_ends_the_wait() -> None:
    watcher = Watching()
    with hanging() as predictor:
        asking = Asking(predictor, 100, 20, watcher)
        Timer(0.1, watcher.left.set).start()
        with pytest.raises(Cancelled):
            asking.ask(xs(1))


def test_leaving_takes_the_call_back_from_the_server() -> None:
    came, lost = Event(), Event()

    def never(connection: Any, _body: bytes) -> None:
        came.set()
        connection.settimeout(20)
        if connection.recv(1) == b"":
            lost.set()

    watcher = Watching()
    with serving(never) as server:
        settings = PredictorSettings(url=server.url, timeout_seconds=30)
        opened = shared(open_predictor("m", settings))
        with opened as predictor, ThreadPoolExecutor(1) as pool:
            asked = pool.submit(Asking(predictor, 100, 30, watcher).ask, xs(1))
            assert came.wait(10)
            watcher.left.set()
            assert lost.wait(10)
            with pytest.raises(Cancelled):
                asked.result()


def test_the_deadline_of_one_does_not_end_the_others_call() -> None:
    release = Event()

    def slow(rows: Columns) -> Columns:
        assert release.wait(20)
        return Columns((Column("y", 2 * rows["x"].values),))

    with shared(FunctionPredictor(slow)) as predictor, ThreadPoolExecutor(4) as pool:
        blocking = [pool.submit(Asking(predictor, 9, 20).ask, xs(at)) for at in (7, 8)]
        hasty = pool.submit(Asking(predictor, 9, 0.3).ask, xs(1))
        patient = pool.submit(Asking(predictor, 9, 20).ask, xs(2))
        with pytest.raises(OutOfTime):
            hasty.result()
        release.set()
        assert y(patient.result()) == [4]
        assert [y(one.result()) for one in blocking] == [[14], [16]]


def test_what_is_affordable_follows_the_budget_and_the_speed_seen() -> None:
    pause = Event()

    def slow(rows: Columns) -> Columns:
        pause.wait(0.002 * len(rows))
        return Columns((Column("y", rows["x"].values),))

    with shared(FunctionPredictor(slow)) as predictor:
        asking = Asking(predictor, 5000, 3)
        assert asking.affords(5000)
        assert not asking.affords(5001)
        asking.ask(xs(*range(100)))
        assert asking.affords(100)
        assert not asking.affords(4900)


def test_one_short_call_does_not_make_a_long_one_look_unaffordable() -> None:
    def slow(rows: Columns) -> Columns:
        Event().wait(0.02)
        return Columns((Column("y", rows["x"].values),))

    with shared(FunctionPredictor(slow)) as predictor:
        asking = Asking(predictor, 5000, 10)
        asking.ask(xs(1))
        assert asking.affords(4000)


def test_the_predictors_error_is_passed_on() -> None:
    def refuse(_rows: Columns) -> Columns:
        raise PredictorError("no", status=422)

    with shared(FunctionPredictor(refuse)) as predictor, pytest.raises(PredictorError, match="no"):
        Asking(predictor, 100, 10).ask(xs(1))


def ask_thrice(_rows: Columns, _options: Any, asking: Asking) -> Any:
    answers = [y(asking.ask(xs(at))) for at in range(3)]
    return answers, asking.quality("accurate")


thrice: Any = ask_thrice


@pytest.mark.parametrize(
    ("versions", "told", "calls"),
    [
        (["1", "1", "1"], (), 3),
        (["1", "2", "2", "2", "2"], (), 5),
        (["1", "2", "1", "2", "1"], ("1", "2"), 5),
    ],
)
def test_an_explanation_is_of_one_version_unless_versions_answer_in_turns(
    versions: list[str], told: tuple[str, ...], calls: int
) -> None:
    left = iter(versions)

    def answering(rows: Columns) -> Columns:
        version = next(left)
        return Columns((Column("y", rows["x"].values * int(version)),), {"model_version": version})

    with shared(FunctionPredictor(answering)) as predictor:
        settings = ShapleySettings()
        methods = {"thrice": OpenMethod(settings, thrice)}
        model = Explained(Subject("m", ModelSettings(), ("x",)), predictor, methods, lambda: None)
        found: Any = model.explain("thrice", settings, xs(0))
    answers, quality = found
    assert (quality.versions, quality.calls) == (told, calls)
    assert quality.to_json().get("model_versions", []) == list(told)
    if not told:
        assert answers[2] == [2 * int(versions[-1])]
