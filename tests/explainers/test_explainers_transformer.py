from __future__ import annotations

import urllib.request

import numpy as np
from fastapi import FastAPI, Request, Response

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import ModelSettings, PredictorSettings
from sidelight.predictors import open_predictor
from sidelight.protocols import v2
from sidelight.tensors import Column, Columns
from sidelight_explainers.models import explained
from sidelight_explainers.subject import Subject
from tests.explainers.games import attributions, enumerated, numeric
from tests.explainers.serving import Floats, matrix, model_app, probability_of_yes, served


def scaled(table: Floats) -> Floats:
    """What the transformer makes of three raw features: the two that the model takes."""
    return np.column_stack([table[:, 0] / 10, np.log1p(table[:, 1]) - table[:, 2]])


def transformer(predictor: str) -> FastAPI:
    app = FastAPI()

    @app.post("/v2/models/{model}/infer")
    async def transform(model: str, request: Request) -> Response:
        table = scaled(matrix(v2.decode_request(await request.body())))
        rows = Columns((Column("a", table[:, 0]), Column("b", table[:, 1])))
        asked = urllib.request.Request(
            f"{predictor}/v2/models/{model}/infer",
            v2.encode_request(rows),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(asked) as answer:
            return Response(answer.read(), media_type="application/json")

    return app


def test_a_model_behind_a_transformer_is_explained_by_what_the_transformer_takes() -> None:
    rng = np.random.default_rng(0)
    background, row = rng.uniform(0, 9, (7, 3)), rng.uniform(0, 9, 3)
    settings = ModelSettings(explainers=ModelExplainers.model_validate({"shapley": {}}))
    reference = numeric(background)
    with served(model_app()) as model, served(transformer(model)) as url:
        predictor = open_predictor("m", PredictorSettings(url=url), reference.names)
        subject = Subject("m", settings, reference.names, reference, reference)
        known = explained(subject, predictor)
        options = known.methods["shapley"].settings
        told = attributions(known.explain("shapley", options, numeric(row[None])))
        known.close()
    truth = enumerated(lambda table: probability_of_yes(scaled(table)), row, background)
    np.testing.assert_allclose([one.contribution for one in told.attributions], truth, atol=1e-9)
