from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from sidelight.errors import DataMismatch, PredictorError
from sidelight.tensors import Column, Columns, column_of
from sidelight_explainers.contents.values import json_value
from sidelight_explainers.outputs import choose_output

LABEL = Column("label", np.array(["no", "yes"], object))
TWO = Column("p", np.array([[0.9, 0.1], [0.2, 0.8]]))
THREE = Column("p", np.array([[0.2, 0.5, 0.3], [0.8, 0.1, 0.1]]))
NARROW = Column("y", np.array([[1], [2]]))


@pytest.mark.parametrize(
    ("columns", "wanted", "name", "values"),
    [
        ((NARROW, LABEL), None, "y", [1.0, 2.0]),
        ((TWO,), None, "p[1]", [0.1, 0.8]),
        ((THREE,), None, "p[1]", [0.5, 0.1]),
        ((THREE, NARROW), "y", "y", [1.0, 2.0]),
        ((LABEL, THREE), "p[2]", "p[2]", [0.3, 0.1]),
        ((Column("odd[0]", np.array([True, False])),), "odd[0]", "odd[0]", [1.0, 0.0]),
        ((TWO, LABEL), "label=yes", "label=yes", [0.0, 1.0]),
        ((TWO, LABEL), "label", "label=no", [1.0, 0.0]),
        ((NARROW,), "y=2", "y=2", [0.0, 1.0]),
        ((Column("y", np.array([1.0, 0.0])),), "y=1", "y=1", [1.0, 0.0]),
        ((Column("y", np.array([True, False])),), "y=false", "y=false", [0.0, 1.0]),
        ((Column("y", np.array([b"no", b"yes"], object)),), "y=yes", "y=yes", [0.0, 1.0]),
        ((Column("y", np.array([["a", "b"], ["a", "c"]], object)),), "y[1]=c", "y[1]=c", [0, 1]),
        ((Column("a=b", np.array([1.0, 2.0])),), "a=b", "a=b", [1.0, 2.0]),
    ],
)
def test_the_number_that_is_explained(
    columns: tuple[Column, ...], wanted: str | None, name: str, values: list[float]
) -> None:
    output = choose_output(Columns(columns), wanted)
    assert (output.name, output.values.tolist()) == (name, values)


@pytest.mark.parametrize(
    ("columns", "wanted", "error", "words"),
    [
        ((LABEL, TWO), None, DataMismatch, "output 'label' holds strings; set predictor.output"),
        ((TWO,), "q", DataMismatch, "no output 'q'"),
        ((TWO,), "p[2]", DataMismatch, r"no \[2\]"),
        ((Column("image", np.zeros((2, 4, 4))),), None, DataMismatch, "has shape"),
        ((LABEL,), None, DataMismatch, "or to label=CLASS"),
        ((LABEL,), "label[1]=yes", DataMismatch, r"has 1 label\(s\) a row, no \[1\]"),
        ((column_of("label", ["yes", None]),), "label", PredictorError, "is null in some rows"),
        ((), None, PredictorError, "no output"),
        ((column_of("y", [1.0, None]),), None, PredictorError, "null or not finite in 1 of 2"),
    ],
)
def test_what_cannot_be_explained_says_why(
    columns: tuple[Column, ...], wanted: str | None, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        choose_output(Columns(columns), wanted)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.int8(3), 3),
        (True, True),
        (float("nan"), None),
        ("text", "text"),
        (b"\x00\xff", "AP8="),
        (np.datetime64(datetime(2026, 1, 2, 3, 4, 5), "us"), "2026-01-02T03:04:05.000000Z"),
        (np.datetime64("NaT", "us"), None),
    ],
)
def test_values_are_told_in_json(value: object, told: object) -> None:
    values = np.array([value], object) if isinstance(value, str | bytes) else np.array([value])
    assert json_value(Column("x", values)) == told
