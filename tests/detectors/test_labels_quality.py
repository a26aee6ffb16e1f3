"""What labels tell of a model, against scikit-learn and numpy."""

from __future__ import annotations

import math

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    roc_auc_score,
)

from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.contract import Sums
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.labels.finding import LabelsFinding
from tests.detectors.labelling import detector_of, fitted, people, settings

FITTED = fitted()

Floats = NDArray[np.float64]


def sums_of(known: Fitted, table: Columns) -> Sums:
    part = detector_of(known)
    trail = part.trail(known.index(table))
    label = part.outcome.numbers(table["label"])
    return part.awaited(trail) + part.labelled(trail, label)


def found(known: Fitted, table: Columns) -> LabelsFinding:
    return detector_of(known).settle(sums_of(known, table), is_final=True)


def test_a_classifiers_metrics_are_scikit_learns() -> None:
    table = people(3000, 7)
    label, answer, chance = (table[name].values for name in ("label", "answer", "chance"))

    told = found(FITTED, table)

    assert told.metric("accuracy").estimate == pytest.approx(accuracy_score(label, answer))
    assert told.metric("f1").estimate == pytest.approx(f1_score(label, answer))
    assert told.metric("roc_auc").estimate == pytest.approx(roc_auc_score(label, chance), abs=1e-3)
    assert told.brier_score == pytest.approx(brier_score_loss(label, chance), abs=1e-6)
    assert np.array_equal(told.confusion[:2], confusion_matrix(label, answer).T)
    assert told.metric("f1").low < f1_score(label, answer) < told.metric("f1").high
    assert told.coverage == 1.0


def test_a_calibrated_model_has_a_small_calibration_error_and_another_a_large_one() -> None:
    table = people(5000, 8)
    wrong = Columns.of(
        **{name: table[name].values for name in ("age", "answer", "label")},
        chance=table["chance"].values ** 3,
    )

    assert found(FITTED, table).calibration_error < 0.03
    assert found(FITTED, wrong).calibration_error > 0.1
    bands = found(FITTED, table).calibration
    assert sum(band.rows for band in bands) == 5000
    assert all(band.low <= band.came_true <= band.high for band in bands)


def test_the_reference_is_told_beside_the_window() -> None:
    table = people(2000, 1)

    told = found(FITTED, table)

    assert all(one.reference == pytest.approx(one.estimate) for one in told.metrics)


def test_sums_of_parts_are_those_of_the_whole_and_can_be_taken_off() -> None:
    table = people(500, 3)
    parts = [table.take(slice(0, 120)), table.take(slice(120, 500))]

    first, second, whole = (sums_of(FITTED, one) for one in (*parts, table))

    assert np.array_equal(first + second, whole)
    assert np.array_equal(whole - first, second)


def test_several_classes_have_an_area_each() -> None:
    rng = np.random.default_rng(4)
    names = np.array(["cat", "dog", "owl"], object)
    scores = rng.dirichlet([1, 1, 1], 4000)
    truth = np.array([rng.choice(3, p=line) for line in scores])
    table = Columns.of(
        age=rng.normal(size=4000),
        label=names[truth],
        **{name: scores[:, at] for at, name in enumerate(names)},
    )
    known = fit(
        table,
        ModelSettings.model_validate(
            {
                "features": {"age": "numeric"},
                "outputs": dict.fromkeys(names.tolist(), "numeric"),
                "outcome": {
                    "probability": {name: name for name in names.tolist()},
                    "label": "label",
                    "favorable": ["cat"],
                },
                "detectors": {"labels": {}},
            }
        ),
    )

    told = found(known, table)

    areas = [roc_auc_score(truth == at, scores[:, at]) for at in range(3)]
    assert told.metric("roc_auc").estimate == pytest.approx(np.mean(areas), abs=2e-3)
    assert told.metric("accuracy").estimate == pytest.approx((scores.argmax(1) == truth).mean())
    assert told.calibration_error < 0.04


def test_an_answer_that_is_unknown_counts_against_accuracy_nowhere() -> None:
    table = people(200, 5)
    answers = table["answer"].values.astype(str).astype(object)
    answers[:50] = "neither"
    strange = Columns.of(
        **{name: table[name].values for name in ("age", "chance", "label")}, answer=answers
    )

    told = found(FITTED, strange)

    assert sum(told.confusion[2]) == 50
    assert told.metric("accuracy").estimate == pytest.approx(
        accuracy_score(table["label"].values[50:], table["answer"].values[50:])
    )


def regression(label: Floats, answer: Floats) -> tuple[Fitted, Columns]:
    table = Columns.of(age=np.arange(len(label), dtype=float), label=label, answer=answer)
    asked = settings(
        outputs={"answer": "numeric"},
        outcome={"kind": "regression", "prediction": "answer", "label": "label"},
    )
    return fit(table, asked), table


def test_a_regressions_errors_are_numpys() -> None:
    rng = np.random.default_rng(2)
    label = rng.normal(50_000, 20_000, 3000)
    known, table = regression(label, label + rng.normal(500, 4000, 3000))
    error = table["answer"].values - label

    told = found(known, table)

    assert told.metric("mean_error").estimate == pytest.approx(error.mean(), rel=1e-7)
    assert told.metric("mean_absolute_error").estimate == pytest.approx(np.abs(error).mean())
    assert told.metric("rmse").estimate == pytest.approx(math.sqrt((error**2).mean()))
    assert told.metric("r2").estimate == pytest.approx(1 - (error**2).mean() / label.var())
    margin = 1.959964 * error.std() / math.sqrt(3000)
    assert told.metric("mean_error").high == pytest.approx(error.mean() + margin, rel=1e-6)


def test_an_error_beyond_the_scale_is_cut_and_told() -> None:
    known, table = regression(np.linspace(0, 100, 50), np.linspace(1, 101, 50))
    wild = Columns.of(age=table["age"].values, label=table["label"].values, answer=np.full(50, 1e9))

    (warning,) = found(known, wild).warnings

    assert warning.startswith("50 errors or labels are beyond 256")


def test_too_few_labels_say_nothing() -> None:
    with pytest.raises(NotEnoughData, match="19 of 19 rows have a label; 20 are needed"):
        found(FITTED, people(19, 1))


def test_a_label_of_another_class_is_refused() -> None:
    part = detector_of(FITTED)

    assert [part.number_of_label(one) for one in (0, 1.0, "1")] == [0, 1, 1]
    with pytest.raises(DataMismatch, match="label 'perhaps' is no class"):
        part.number_of_label("perhaps")


def test_an_outcome_must_be_there_and_watched() -> None:
    with pytest.raises(ConfigError, match="'outcome' is not set"):
        fitted(outcome=None)
    with pytest.raises(ConfigError, match="'answer' is not watched"):
        fitted(outputs={"chance": "numeric"})


def test_a_finding_is_read_back_as_it_was_told() -> None:
    told = found(FITTED, people(300, 2))

    assert LabelsFinding.from_json(orjson.loads(orjson.dumps(told))) == told
