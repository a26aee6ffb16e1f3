"""Which number is explained, from the bytes that servers answer with."""

from __future__ import annotations

import socket
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.config.predicting import PredictorSettings
from sidelight.predictors import open_predictor
from sidelight.tensors import Columns
from sidelight_explainers.outputs import choose_output
from tests.sidelight.predictor_servers import respond, serving

ROWS = Columns.of(x=[1.0, 2.0])


def v1(predictions: Any) -> bytes:
    return orjson.dumps({"predictions": predictions})


def v2(*outputs: dict[str, Any]) -> bytes:
    return orjson.dumps({"model_name": "m", "outputs": outputs})


def tensor(name: str, datatype: str, shape: list[int], data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


@pytest.mark.parametrize(
    ("protocol", "body", "wanted", "name", "values"),
    [
        pytest.param("v1", v1([3, 4.5]), None, "predictions", [3, 4.5], id="regression"),
        pytest.param("v1", v1([[3], [4]]), None, "predictions", [3, 4], id="column-regression"),
        pytest.param(
            "v1", v1([[0.9, 0.1], [0.2, 0.8]]), None, "predictions[1]", [0.1, 0.8], id="two-classes"
        ),
        pytest.param(
            "v1",
            v1([[0.9, 0.1], [0.2, 0.8]]),
            "predictions[0]",
            "predictions[0]",
            [0.9, 0.2],
            id="a-chosen-class",
        ),
        pytest.param(
            "v1", v1(["no", "yes"]), "predictions=yes", "predictions=yes", [0, 1], id="labels"
        ),
        pytest.param(
            "v1", v1([0, 1]), "predictions=1", "predictions=1", [0, 1], id="label-numbers"
        ),
        pytest.param(
            "v1",
            v1([{"label": "no", "score": 0.25}, {"label": "yes", "score": 0.75}]),
            "score",
            "score",
            [0.25, 0.75],
            id="named",
        ),
        pytest.param(
            "v1",
            v1([{"label": "no", "score": 0.25}, {"label": "yes", "score": 0.75}]),
            "label",
            "label=no",
            [1, 0],
            id="named-label",
        ),
        pytest.param(
            "v2",
            v2(
                tensor("predict", "INT64", [2], [0, 1]),
                tensor("p", "FP64", [2, 2], [1, 0, 0.5, 0.5]),
            ),
            "p[0]",
            "p[0]",
            [1, 0.5],
            id="v2-named",
        ),
        pytest.param(
            "v2",
            v2(tensor("predict", "INT64", [2, 1], [0, 1])),
            None,
            "predict",
            [0, 1],
            id="v2-class-number",
        ),
        pytest.param(
            "v2",
            v2(tensor("label", "BYTES", [2, 1], ["no", "yes"])),
            "label=yes",
            "label=yes",
            [0, 1],
            id="v2-label",
        ),
        pytest.param(
            "v2",
            v2(tensor("y", "FP32", [2], [1.5, 2])),
            None,
            "y",
            [1.5, 2],
            id="v2-regression",
        ),
    ],
)
def test_the_explained_number_of_an_answer(
    protocol: Any, body: bytes, wanted: str | None, name: str, values: list[float]
) -> None:
    def answer(connection: socket.socket, _body: bytes) -> None:
        respond(connection, 200, body)

    with serving(answer) as server:
        settings = PredictorSettings(url=server.url, protocol=protocol, output=wanted)
        predictor = open_predictor("m", settings)
        told = choose_output(predictor(ROWS), wanted)
        predictor.close()
    assert told.name == name
    np.testing.assert_array_equal(told.values, values)
    if protocol == "v2" and wanted is not None:
        asked = orjson.loads(server.requests[0])["outputs"]
        assert asked == [{"name": name.partition("=")[0].partition("[")[0]}]
