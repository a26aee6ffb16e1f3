from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.explaining.shapley import ShapleySettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns, column_of
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained, explained
from sidelight_explainers.shapley.opening import OfTables
from sidelight_explainers.shapley.proxies.learning import Learning
from sidelight_explainers.shapley.proxies.numbers import Numbers
from sidelight_explainers.shapley.proxies.reservoir import Reservoir
from sidelight_explainers.shapley.proxies.snapshot import learn
from sidelight_explainers.subject import Subject
from tests.explainers.games import attributions, contributions, enumerated, half_widths, numeric
from tests.explainers.serving import Floats, matrix

PLAYERS, SIZE, BUDGET = 8, 30, 1100


def stepped(table: Floats) -> Floats:
    """Interactions of three that no sum shows, and that trees can learn."""
    first, second, third, fourth, fifth = expit(2 * table[:, :5]).T
    return np.asarray(4 * first * second * third - 3 * second * fourth * fifth + table[:, 0])


class Model:
    """A model with a version, and what explains it."""

    def __init__(self, function: Callable[[Floats], Floats], **options: object) -> None:
        rng = np.random.default_rng(0)
        self.background = rng.normal(size=(SIZE, PLAYERS))
        self.others = rng.normal(size=(5, PLAYERS))
        self.function = function
        self.version = "1"
        self.options = ShapleySettings.model_validate({"budget": BUDGET, **options})
        settings = ModelSettings(explainers=ModelExplainers(shapley=self.options))
        reference = numeric(self.background)
        subject = Subject("m", settings, reference.names, reference, reference)
        self.model: Explained = explained(subject, FunctionPredictor(self.answer))

    def answer(self, rows: Columns) -> Columns:
        outputs = (Column("y", self.function(matrix(rows))),)
        return Columns(outputs, {"model_version": self.version})

    def explain(self, row: Floats, **options: object) -> Explanation:
        told = self.options.overridden(options)
        return self.model.explain("shapley", told, numeric(row[None]))

    def warmed(self) -> Model:
        """After explanations of other rows."""
        for row in self.others:
            self.explain(row)
            self.learning.settle()
        return self

    @property
    def learning(self) -> Learning:
        explainer = self.model.methods["shapley"].explainer
        assert isinstance(explainer, OfTables)
        assert explainer.proxies is not None
        return explainer.proxies.learning


def fact(explanation: Explanation) -> dict[str, object]:
    told = dict(attributions(explanation).facts).get("proxy", {})
    assert isinstance(told, dict)
    return told


ROW = np.full(PLAYERS, 1.0)


@pytest.fixture(scope="module")
def warm() -> Model:
    return Model(stepped, proxy=True).warmed()


def test_a_snapshot_takes_off_most_of_the_error_and_says_which_it_was(warm: Model) -> None:
    truth = enumerated(stepped, ROW, warm.background)
    errors = {True: 0.0, False: 0.0}
    for proxy in errors:
        for seed in range(8):
            told = warm.explain(ROW, proxy=proxy, seed=seed)
            errors[proxy] += float(((contributions(told) - truth) ** 2).sum())
            assert abs(attributions(told).additivity_gap or 0) < 1e-9
    assert errors[True] < 0.6 * errors[False]


def test_the_answer_names_the_snapshot_its_rows_and_how_much_of_it_was_used(warm: Model) -> None:
    warm.learning.settle()
    newest = warm.learning.newest
    assert newest is not None
    told = fact(warm.explain(ROW))
    assert told["snapshot"] == newest.id
    assert told["rows"] == newest.proxies["y"].rows
    coefficients = told["coefficients"]
    assert isinstance(coefficients, list)
    assert all(0.5 < one <= 1.0 for one in coefficients)


def test_the_same_request_with_the_same_snapshot_has_the_same_answer(warm: Model) -> None:
    by_snapshot: dict[object, list[object]] = {}
    for _ in range(4):
        told = warm.explain(ROW)
        warm.learning.settle()
        by_snapshot.setdefault(fact(told)["snapshot"], []).append(told.content)
    assert len(by_snapshot) <= 2
    for first, *others in by_snapshot.values():
        assert all(one == first for one in others)


def test_intervals_hold_the_truth_with_a_proxy(warm: Model) -> None:
    rng, inside = np.random.default_rng(3), []
    for seed in range(12):
        row = rng.normal(size=PLAYERS)
        told = warm.explain(row, seed=seed)
        assert "snapshot" in fact(told)
        truth = enumerated(stepped, row, warm.background)
        inside.append(np.abs(contributions(told) - truth) <= half_widths(told) + 1e-12)
    assert np.mean(inside) >= 0.92


def test_a_proxy_that_tells_nothing_does_little_harm() -> None:
    def unlike(table: Floats) -> Floats:
        """No row tells of any other."""
        return np.asarray(np.modf(np.abs(table @ np.arange(1.0, PLAYERS + 1)) * 1e4)[0])

    model = Model(unlike, proxy=True).warmed()
    truth = enumerated(unlike, ROW, model.background)
    errors = {True: 0.0, False: 0.0}
    for proxy in errors:
        for seed in range(10):
            found = contributions(model.explain(ROW, proxy=proxy, seed=seed))
            errors[proxy] += float(((found - truth) ** 2).sum())
    assert errors[True] < 1.3 * errors[False]


def test_another_version_of_the_model_drops_the_snapshot_and_what_was_bought() -> None:
    model = Model(stepped, proxy=True).warmed()
    model.version = "2"
    told = model.explain(ROW)
    assert fact(told) == {"unused": "the model has changed"}
    assert model.learning.newest is None
    assert fact(model.explain(ROW)) == {}


def test_a_request_cannot_switch_on_what_is_not_configured_and_can_switch_off_what_is(
    warm: Model,
) -> None:
    assert fact(warm.explain(ROW, proxy=False)) == {}
    cold = Model(stepped)
    assert fact(cold.explain(ROW)) == {}
    with pytest.raises(DataMismatch, match="'proxy'"):
        cold.explain(ROW, proxy=True)


def test_groups_do_without_a_proxy(warm: Model) -> None:
    assert fact(warm.explain(ROW, groups={"both": ["f0", "f1"]})) == {}


def test_a_snapshots_shares_are_the_enumerated_ones_of_its_trees() -> None:
    rng = np.random.default_rng(5)
    table = rng.normal(size=(500, 5))
    proxy = learn("m", {"y": (table, stepped(np.hstack([table, table])))}).proxies["y"]
    row, background = rng.normal(size=5), rng.normal(size=(6, 5))
    told = proxy.shares(row[None], background)
    assert told is not None
    np.testing.assert_allclose(told, enumerated(proxy.outputs, row, background), atol=1e-9)


def test_the_same_rows_give_the_same_snapshot_and_others_another() -> None:
    table = np.random.default_rng(6).normal(size=(300, 4))
    bought = {"y": (table, table[:, 0])}
    assert learn("m", bought).id == learn("m", bought).id
    assert learn("n", bought).id != learn("m", bought).id
    assert learn("m", {"y": (table, table[:, 1])}).id != learn("m", bought).id


def test_a_reservoir_is_an_even_sample_of_all_that_came() -> None:
    reservoir = Reservoir(most=500)
    for first in range(0, 5000, 125):
        numbers = np.arange(first, first + 125.0)
        reservoir.add(numbers[:, None], numbers)
    table, outputs = reservoir.content()
    assert len(outputs) == 500
    assert reservoir.seen == 5000
    np.testing.assert_array_equal(table[:, 0], outputs)
    assert np.histogram(outputs, bins=5, range=(0, 5000))[0].min() > 70


def test_words_times_and_nulls_become_numbers() -> None:
    rows = Columns(
        (
            column_of("word", ["b", "a", None, "b"]),
            Column("when", np.array(["2026-01-01", "2026-01-02", "NaT", "2026-01-01"], "M8[s]")),
            Column("yes", np.array([True, False, True, True])),
        )
    )
    table = Numbers.of(rows.take(slice(2))).table(rows)
    np.testing.assert_array_equal(table[:, 0], [1, 0, np.nan, 1])
    assert table[0, 1] == table[3, 1] < table[1, 1]
    assert np.isnan(table[2, 1])
    np.testing.assert_array_equal(table[:, 2], [1, 0, 1, 1])
