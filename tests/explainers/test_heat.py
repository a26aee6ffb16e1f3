from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.images.smooth_masks import SmoothMasks
from tests.explainers.drawn import BLACK, FORMS, heat, linear, weights
from tests.explainers.media import of_pictures
from tests.explainers.serving import Floats


def test_occlusion_of_a_linear_model_is_its_closed_form() -> None:
    explain = of_pictures(linear, "occlusion", image=BLACK, patch=0.25, stride=1.0)
    content = heat(explain(np.ones((12, 16))))
    # patches of 3 x 3 pixels; the last column of them stands at the edge, over the one before
    for top in range(0, 12, 3):
        for left in range(0, 12, 3):
            expected = weights()[top : top + 3, left : left + 3].sum()
            np.testing.assert_allclose(content.heat[top : top + 3, left : left + 3], expected)
    assert content.prediction == weights().sum()
    assert content.error is None


def test_occlusion_averages_over_baselines_and_over_patches() -> None:
    options = {"baselines": ["constant", "mean"]}
    explain = of_pictures(linear, "occlusion", image=options, patch=1.0, stride=1.0)
    content = heat(explain(np.ones((12, 16))))
    # the mean of a white picture is white: covering with it changes nothing
    np.testing.assert_allclose(content.heat[:, 0], weights()[:, :12].sum() / 2)


def test_occlusion_that_the_budget_does_not_pay_for_is_refused_with_what_does() -> None:
    explain = of_pictures(linear, "occlusion", image=BLACK, patch=0.1, stride=1.0, budget=50)
    with pytest.raises(DataMismatch, match="needs 193 rows, and the budget is 50"):
        explain(np.ones((12, 16)))


def test_rise_of_a_linear_model_lies_within_its_intervals() -> None:
    explain = of_pictures(linear, "rise", image=BLACK, cells=4, budget=4001)
    content = heat(explain(np.ones((12, 16))))
    # the slope of a sum over pixels is their covariance with the mask at each pixel
    masks = SmoothMasks(12, 16, 4, 0.5, 99).pairs(range(20_000)).astype(np.float64) - 0.5
    flat = masks.reshape(len(masks), -1)
    truth = (flat @ weights().reshape(-1)) @ flat / (flat**2).sum(axis=0)
    assert content.error is not None
    inside = np.abs(content.heat.reshape(-1) - truth) <= content.error.reshape(-1)
    assert inside.mean() > 0.85  # neighbours share their fate
    assert np.corrcoef(content.heat.reshape(-1), truth)[0, 1] > 0.98


def test_half_widths_of_rise_cover_what_many_masks_give() -> None:
    def curved(values: NDArray[Any]) -> Floats:
        return np.asarray(np.tanh(linear(values) / 3) + values[:, 0, 0] * values[:, 11, 15])

    explain = of_pictures(curved, "rise", image=BLACK, cells=3, budget=401)
    white = np.ones((12, 16))
    truth = heat(explain(white, budget=20_001, seed=1000)).heat[::4, ::4]
    inside = []
    for seed in range(60):
        content = heat(explain(white, seed=seed))
        assert content.error is not None
        inside.append(
            np.abs(content.heat - truth.repeat(4, 0).repeat(4, 1))[::4, ::4]
            <= content.error[::4, ::4]
        )
    assert 0.9 <= np.mean(inside) <= 0.99


def test_masks_have_the_mean_told_and_partners_are_opposites() -> None:
    masks = SmoothMasks(9, 14, 3, 0.3, 0).pairs(range(2000))
    assert masks.min() >= 0
    assert masks.max() <= 1 + 1e-6
    np.testing.assert_allclose(masks.mean(axis=0), 0.3, atol=0.05)
    halves = SmoothMasks(9, 14, 3, 0.5, 0).pairs([7])
    np.testing.assert_allclose(halves[0] + halves[1], 1, atol=1e-6)


@pytest.mark.parametrize("method", ["rise", "occlusion"])
@pytest.mark.parametrize("form", FORMS)
def test_heat_is_found_in_every_form_of_picture(method: str, form: str) -> None:
    picture, feature = FORMS[form]
    first = "first" in form

    def redness(values: NDArray[Any]) -> Floats:
        frames = values.reshape(len(values), *((3, 24, 32) if first else (24, 32, -1)))
        square = frames[:, 0, 4:10, 4:10] if first else frames[:, 4:10, 4:10, 0]
        return np.asarray(square.astype(np.float64).mean(axis=(1, 2)))

    content = heat(of_pictures(redness, method, feature)(picture, budget=501))
    top, left = np.unravel_index(content.heat.argmax(), content.heat.shape)
    assert 3 <= top <= 10
    assert 3 <= left <= 10


@pytest.mark.parametrize("method", ["rise", "occlusion"])
def test_the_same_request_gives_the_same_heat(method: str) -> None:
    explain = of_pictures(linear, method, image=BLACK)
    first, again = (heat(explain(np.ones((12, 16)), budget=301)).heat for _ in range(2))
    assert (first == again).all()


def test_a_large_picture_is_asked_in_parts() -> None:
    asked: list[int] = []

    def bright(values: NDArray[Any]) -> Floats:
        asked.append(len(values))
        return np.asarray(values.mean(axis=(1, 2, 3)))

    explain = of_pictures(bright, "rise", budget=101)
    content = heat(explain(np.random.default_rng(0).random((300, 300, 3))))
    assert content.heat.shape == (300, 300)
    assert max(asked) * 300 * 300 * 3 * 8 <= 70 << 20


def test_a_picture_under_any_name_is_the_only_feature() -> None:
    explain = of_pictures(linear, "occlusion", image=BLACK)
    sent = Columns((Column("instances", np.ones((1, 12, 16), np.int64)),))
    assert heat(explain(sent)).heat.shape == (12, 16)


@pytest.mark.parametrize(("method", "known"), [("rise", "masks"), ("occlusion", "patches")])
def test_at_the_deadline_the_heat_known_by_then_is_told(method: str, known: str) -> None:
    asked: list[int] = []

    def slower_and_slower(values: NDArray[Any]) -> Floats:
        if asked:
            time.sleep(2.0)
        asked.append(len(values))
        return linear(values)

    explain = of_pictures(slower_and_slower, method, image=BLACK, deadline_seconds=1.0)
    explanation = explain(np.ones((12, 16)), budget=401)

    assert explanation.quality.stopped == "deadline"
    assert explanation.quality.rows == asked[0]
    assert 0 < dict(heat(explanation).facts)[known] < 400
    assert heat(explanation).heat.any()


@pytest.mark.parametrize("method", ["rise", "occlusion"])
def test_a_predictor_that_never_answers_in_time_is_a_timeout(method: str) -> None:
    def too_slow(values: NDArray[Any]) -> Floats:
        time.sleep(0.5)
        return linear(values)

    explain = of_pictures(too_slow, method, image=BLACK, deadline_seconds=0.1)
    with pytest.raises(OutOfTime):
        explain(np.ones((12, 16)))


@pytest.mark.parametrize("method", ["rise", "occlusion", "shapley"])
def test_sixteen_pictures_at_once_get_what_each_gets_alone(method: str) -> None:
    options = {} if method == "occlusion" else {"budget": 201}
    image = {**BLACK, "segments": "grid", "count": 12} if method == "shapley" else BLACK
    explain = of_pictures(linear, method, image=image, **options)
    many = np.random.default_rng(0).random((16, 12, 16))

    alone = [explain(one).content.to_json() for one in many]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda one: explain(one).content.to_json(), many))

    assert together == alone
