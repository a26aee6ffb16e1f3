"""Texts and pictures through the service, with a model server behind it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from fastapi import FastAPI, Request, Response
from PIL import Image

from sidelight.config.explaining.service import ExplainersSettings
from sidelight.config.settings import Settings
from sidelight.protocols import v1, v2
from sidelight.tensors import Column, Columns
from sidelight_explainers.models import open_models
from sidelight_explainers.service.app import create_app
from tests.explainers.serving import served

TEXT = "A good film, not bad. 好 éclair"
PICTURE = np.arange(48).reshape(4, 4, 3).astype(np.uint8) * 5


def pixels(content: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(content)))


def scores(rows: Columns) -> Columns:
    """Texts by their words, pictures by the red of their upper left corner."""
    column = rows.columns[0]
    if column.kind == "bytes":
        column = Column("photo", np.stack([pixels(one) for one in column.values]))
    if column.kind == "string":
        told = [one.count("good") - 2.0 * one.count("bad") for one in column.values]
        return Columns((Column("score", np.array(told)),))
    return Columns((Column("score", column.values[:, :2, :2, 0].astype(float).mean(axis=(1, 2))),))


def model_app(seen: list[Columns]) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/models/{model}:predict")
    async def predict(model: str, request: Request) -> Response:
        return _answered(v1.decode_request(await request.body()), v1.encode_response)

    @app.post("/v2/models/{model}/infer")
    async def infer(model: str, request: Request) -> Response:
        return _answered(v2.decode_request(await request.body()), v2.encode_response)

    def _answered(rows: Columns, encode: Callable[[Columns], bytes]) -> Response:
        seen.append(rows)
        return Response(encode(scores(rows)), media_type="application/json")

    return app


@pytest.fixture(params=["v1", "v2"])
def service(request: pytest.FixtureRequest) -> Iterator[tuple[httpx.Client, list[Columns]]]:
    seen: list[Columns] = []
    with served(model_app(seen)) as url:
        predictor = {"url": url, "protocol": request.param}
        black = {"image": {"baselines": ["constant"], "segments": "grid", "count": 4}}
        cover = {"image": {"baselines": ["constant"]}}
        file = {
            "models": {
                "reviews": {
                    "predictor": predictor,
                    "features": {"review": "text"},
                    "explainers": {"leave_one_out": {}, "anchor": {"threshold": 0.25}},
                },
                "photos": {
                    "predictor": predictor,
                    "features": {"photo": "image"},
                    "explainers": {
                        "occlusion": {**cover, "patch": 0.5, "stride": 1.0},
                        "rise": {**cover, "budget": 101},
                        "anchor": {**black, "threshold": 0.25},
                    },
                },
            }
        }
        models = open_models(Settings.model_validate(file))
        app = create_app(models, ExplainersSettings())
        with served(app) as base, httpx.Client(base_url=base, timeout=60) as client:
            yield client, seen
        for model in models.values():
            assert model is not None
            model.close()


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    """The explanations of a V1 or V2 answer."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if "explanations" in body:
        return list(body["explanations"])
    return [orjson.loads(one) for one in body["outputs"][0]["data"]]


Service = tuple[httpx.Client, list[Columns]]
WISH = {"explain_parameters": {"method": "leave_one_out"}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/reviews:explain", {"instances": [TEXT]}),
        ("/v1/models/reviews:explain", {"instances": [[TEXT]]}),
        ("/v1/models/reviews:explain", {"instances": [{"review": TEXT}]}),
        (
            "/v2/models/reviews/explain",
            {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [TEXT]}]},
        ),
        (
            "/v2/models/reviews/infer",
            {"inputs": [{"name": "review", "shape": [1, 1], "datatype": "BYTES", "data": [TEXT]}]},
        ),
    ],
)
def test_a_text_is_explained_in_every_form_it_is_sent(
    service: Service, path: str, body: dict[str, Any]
) -> None:
    client, seen = service
    (explanation,) = told(client.post(path, json={**body, "parameters": WISH}))
    data = explanation["data"]
    found = {one["value"]: one["contribution"] for one in data["attributions"]}
    assert found == {
        "A": 0.0,
        "good": 1.0,
        "film,": 0.0,
        "not": 0.0,
        "bad.": -2.0,
        "好": 0.0,
        "éclair": 0.0,
    }
    assert data["text"] == TEXT
    assert {"A good film, not 好 éclair", TEXT} <= set(seen[0].columns[0].values)


def test_texts_of_a_batch_are_explained_one_by_one(service: Service) -> None:
    client, _ = service
    body = {"instances": ["good", "bad bad"], "parameters": WISH}
    answers = told(client.post("/v1/models/reviews:explain", json=body))
    assert [len(one["data"]["attributions"]) for one in answers] == [1, 2]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/photos:explain", {"instances": [PICTURE.tolist()]}),
        ("/v1/models/photos:explain", {"instances": [{"photo": PICTURE.tolist()}]}),
        (
            "/v2/models/photos/infer",
            {
                "inputs": [
                    {
                        "name": "photo",
                        "shape": [1, 4, 4, 3],
                        "datatype": "UINT8",
                        "data": PICTURE.reshape(-1).tolist(),
                    }
                ]
            },
        ),
    ],
)
@pytest.mark.parametrize("method", ["occlusion", "rise"])
def test_a_picture_is_explained_in_every_form_it_is_sent(
    service: Service, path: str, body: dict[str, Any], method: str
) -> None:
    client, seen = service
    wishes = {"explain_parameters": {"method": method}}
    (explanation,) = told(client.post(path, json={**body, "parameters": wishes}))
    heat = np.array(explanation["data"]["heat"])
    assert heat.shape == (4, 4)
    expected = PICTURE[:2, :2, 0].mean()
    assert explanation["data"]["prediction"] == expected
    if method == "occlusion":
        assert heat[:2, :2].tolist() == [[expected] * 2] * 2
        assert not heat[2:].any()
    assert {one.columns[0].values.shape[1:] for one in seen} == {(4, 4, 3)}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_picture_is_explained_as_the_file_it_was_sent_as(service: Service, version: str) -> None:
    client, seen = service
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    wishes = {"explain_parameters": {"method": "occlusion"}}
    sent = {
        "name": "photo",
        "shape": [1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [text],
    }
    forms: dict[str, tuple[dict[str, Any], str]] = {
        "v1": ({"instances": [{"photo": {"b64": text}}]}, "/v1/models/photos:explain"),
        "v2": ({"inputs": [sent]}, "/v2/models/photos/explain"),
    }
    body, path = forms[version]
    (explanation,) = told(client.post(path, json={**body, "parameters": wishes}))
    heat = np.array(explanation["data"]["heat"])
    assert heat[:2, :2].tolist() == [[PICTURE[:2, :2, 0].mean()] * 2] * 2
    assert not heat[2:].any()
    assert {one.columns[0].kind for one in seen} == {"bytes"}


@pytest.mark.parametrize(
    ("model", "row"), [("reviews", 5.0), ("photos", [1, 2, 3]), ("photos", "a cat")]
)
def test_what_does_not_fit_is_refused_by_the_name_of_the_feature(
    service: Service, model: str, row: Any
) -> None:
    client, seen = service
    answer = client.post(f"/v1/models/{model}:explain", json={"instances": [row]})
    assert answer.status_code == 422
    assert "'review'" in answer.text or "'photo'" in answer.text
    assert seen == []


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "image/png"])
def test_texts_and_pictures_are_drawn(service: Service, kind: str) -> None:
    client, _ = service
    for path, row in (("reviews", TEXT), ("photos", PICTURE.tolist())):
        body = {"instances": [row]}
        answer = client.post(f"/v1/models/{path}:explain", json=body, headers={"accept": kind})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(kind)
        assert len(answer.content) < 50_000


@pytest.mark.parametrize("model", ["reviews", "photos"])
def test_anchors_of_texts_and_pictures_hold(service: Service, model: str) -> None:
    client, _ = service
    rows = {"reviews": "good good", "photos": PICTURE.tolist()}
    wishes = {"explain_parameters": {"method": "anchor"}}
    body = {"instances": [rows[model]], "parameters": wishes}
    (explanation,) = told(client.post(f"/v1/models/{model}:explain", json=body))
    assert explanation["data"]["found"]
