from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sidelight.config.explaining.anchor import AnchorSettings
from sidelight.errors import DataMismatch, PredictorError
from sidelight.tensors import Column, Columns, column_of
from sidelight_explainers.decisions import choose_decider

THREE = Column("p", np.array([[0.2, 0.5, 0.3], [0.8, 0.1, 0.1]]))
ONE = Column("y", np.array([0.7, 0.5, 0.2]))
PRICE = Column("price", np.array([[210.0], [180.0], [260.0]]))
NAMES = Column("label", np.array(["no", "yes"], object))


@pytest.mark.parametrize(
    ("column", "options", "output", "labels", "words"),
    [
        (THREE, {}, "p", [1, 0], [1, 0]),
        (THREE, {"threshold": 0.5, "output": "p[1]"}, "p[1]", [False, False], ["<= 0.5"] * 2),
        (ONE, {}, "y", [True, False, False], ["> 0.5", "<= 0.5", "<= 0.5"]),
        (PRICE, {"threshold": 200}, "price", [True, False, True], ["> 200", "<= 200", "> 200"]),
        (
            PRICE,
            {"tolerance": 40},
            "price",
            [True, True, False],
            ["in [170, 250]", "in [170, 250]", "not in [170, 250]"],
        ),
        (NAMES, {}, "label", ["no", "yes"], ["no", "yes"]),
        (Column("label", np.array([[3], [1]])), {}, "label", [3, 1], [3, 1]),
        (Column("label", np.array([b"a", b"b"], object)), {}, "label", [b"a", b"b"], ["a", "b"]),
    ],
)
def test_a_decision_is_read_from_each_form_of_output(
    column: Column, options: dict[str, Any], output: str, labels: list[Any], words: list[Any]
) -> None:
    answer = Columns((column,))
    decider = choose_decider(answer, options.get("output"), AnchorSettings(**options))
    found = decider.labels(answer)
    assert (decider.output, found.tolist()) == (output, labels)
    assert [decider.words(label) for label in found] == words


@pytest.mark.parametrize("column", [THREE, ONE])
def test_scores_are_above_zero_just_where_the_decision_is_that_one(column: Column) -> None:
    answer = Columns((column,))
    decider = choose_decider(answer, None, AnchorSettings())
    for label in set(decider.labels(answer).tolist()):
        scores = decider.scores(answer, label)
        assert scores is not None
        assert ((scores > 0) == (decider.labels(answer) == label))[scores != 0].all()


def test_later_answers_are_read_as_the_first_one_was() -> None:
    first = Columns((Column("p", np.array([[0.1, 0.2, 0.7]])),))
    decider = choose_decider(first, None, AnchorSettings(threshold=0.5))
    later = Columns((Column("p", np.array([[0.9, 0.1, 0.0], [0.1, 0.1, 0.8]])),))
    assert decider.labels(later).tolist() == [False, True]


@pytest.mark.parametrize(
    ("column", "error", "words"),
    [
        (PRICE, DataMismatch, "'price' is a number such as 210, no probability; set 'threshold'"),
        (Column("p", np.array([[0.1, np.nan]])), PredictorError, "null or not finite"),
        (column_of("label", ["a", None]), PredictorError, "null"),
        (Column("label", np.array([[1, 2], [3, 4]])), DataMismatch, "one value a row"),
    ],
)
def test_what_decides_nothing_says_why(column: Column, error: type[Exception], words: str) -> None:
    answer = Columns((column,))
    with pytest.raises(error, match=words):
        choose_decider(answer, None, AnchorSettings()).labels(answer)


def test_a_threshold_and_a_tolerance_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="exclude each other"):
        AnchorSettings(threshold=1, tolerance=1)
