"""Images and texts scored over HTTP: the same scores as the log's path gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.events import Body, http
from sidelight.protocols import v2, v2_binary
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.plan import Plan
from tests.detectors import traffic
from tests.detectors.asking import asked, halves, send

RANDOM = np.random.RandomState(0)
PICTURES = RANDOM.gamma(2.0, 30.0, (300, 28, 28)).clip(0, 255).astype(np.uint8)
WORDS = np.array(["good", "bad", "film", "plot", "long", "dull"])
TEXTS = np.array(
    [" ".join(RANDOM.choice(WORDS, RANDOM.randint(1, 12))) for _ in range(300)], object
)
DETECTORS = {"drift": {"window": 100}, "outlier": {"rate": 0.05}}


def model(rows: Columns, **features: Any) -> Fitted:
    settings = {"features": features, "detectors": DETECTORS}
    return fit(rows, ModelSettings.model_validate(settings))


IMAGES = Plan("images", model(Columns.of(picture=PICTURES), picture="image"), DetectorsSettings())
REVIEWS = Plan("reviews", model(Columns.of(review=TEXTS), review="text"), DetectorsSettings())
SENT = {
    "images": Columns.of(picture=np.concatenate([PICTURES[:30], 255 - PICTURES[:10]])),
    "reviews": Columns.of(review=np.append(TEXTS[:30], "!!! 1234 " * 40)),
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with asked(IMAGES, REVIEWS) as one:
        yield one


def logged(plan: Plan) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores and p-values as the scorer has them, from the exchange that would be logged."""
    content = v2.encode_request(SENT[plan.model])
    body = Body(content, "application/json", size=len(content))
    one = traffic.exchange(traffic.rows(1, 0), model=plan.model, request=body)
    fitted = plan.fitted
    scores = fitted.score(fitted.index(WatchedColumns.by(plan).of(one)))
    assert scores is not None
    return scores.scores, scores.p_values


@pytest.mark.parametrize("plan", [IMAGES, REVIEWS], ids=lambda plan: plan.model)
@pytest.mark.parametrize("binary", [False, True])
def test_v2_tensors_get_the_scores_of_the_logs_path(
    client: httpx.Client, plan: Plan, binary: bool
) -> None:
    path = f"/v2/models/{plan.model}/infer?detector=outlier"
    if binary:
        sent = v2_binary.encode_request(SENT[plan.model])
        length = {"Inference-Header-Content-Length": str(sent.json_length)}
        answered = client.post(path, content=sent.content, headers=length)
        length_told = int(answered.headers["Inference-Header-Content-Length"])
        told = v2_binary.decode_response(answered.content, length_told)
        found = {column.name: column.values.ravel().tolist() for column in told}
    else:
        answered = client.post(path, content=v2.encode_request(SENT[plan.model]))
        found = {one["name"]: one["data"] for one in answered.json()["outputs"]}
    scores, p_values = logged(plan)
    assert found["p_val"] == p_values.tolist()
    assert found["instance_score"] == scores.tolist()


@pytest.mark.parametrize("plan", [IMAGES, REVIEWS], ids=lambda plan: plan.model)
def test_an_event_gets_the_scores_of_the_logs_path(client: httpx.Client, plan: Plan) -> None:
    content = v2.encode_request(SENT[plan.model])
    body = Body(content, "application/json", size=len(content))
    request, _ = halves(traffic.rows(1, 0), model=plan.model, request=body)
    answered = send(client, http.to_binary(request), params={"detector": "outlier"})
    assert answered.status_code == 200, answered.text
    scores, p_values = logged(plan)
    assert answered.json()["data"]["instance_score"] == scores.tolist()
    assert answered.json()["data"]["p_val"] == p_values.tolist()
