from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from sidelight.config.explaining.players import OfPictures, PictureSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import OutOfTime
from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.contents.layout import ImageLayout
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.games.image import ImageGame
from sidelight_explainers.images.covering import covers
from sidelight_explainers.images.games import open_pictures
from sidelight_explainers.images.seeing import seen
from sidelight_explainers.images.segments import grid, slic
from sidelight_explainers.images.smooth_masks import SmoothMasks
from sidelight_explainers.subject import Subject
from tests.explainers.games import attributions, contributions, enumerated
from tests.explainers.media import of_pictures, row
from tests.explainers.serving import Floats

RNG_SEED = 20260301


def game(picture: Any, feature: Any = "image", /, **options: Any) -> ImageGame:
    known = ModelSettings.model_validate({"features": {"picture": feature}})
    settings = OfPictures.model_validate({"image": options})
    subject = Subject("m", known, ("picture",))
    return open_pictures(subject, settings)(row("picture", picture), settings)


def pictures(playing: ImageGame, masks: NDArray[np.bool_], background: int = 0) -> NDArray[Any]:
    return playing.rows(masks, np.full(len(masks), background))["picture"].values


def heat(explanation: Explanation) -> Heatmap:
    assert isinstance(explanation.content, Heatmap)
    return explanation.content


def photo(height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    """A dark and a light half with a red square, and some noise."""
    told = np.random.default_rng(0).integers(0, 9, (height, width, 3))
    told[:, width // 2 :] += 200
    told[4:10, 4:10, 0] += 180
    return told.astype(np.uint8)


FORMS: dict[str, tuple[NDArray[Any], Any]] = {
    "colours last": (photo(), "image"),
    "colours first": (photo().transpose(2, 0, 1), "image"),
    "grey": (photo()[:, :, 0], "image"),
    "grey with an axis": (photo()[:, :, :1], "image"),
    "whole numbers of JSON": (photo().astype(np.int64), "image"),
    "from 0 to 1": (photo().astype(np.float32) / 255, "image"),
    "normalised": (photo().astype(np.float64) / 40 - 2, "image"),
    "flat": (photo().reshape(-1), {"kind": "image", "shape": [24, 32, 3]}),
    "flat, colours first": (
        photo().transpose(2, 0, 1).reshape(-1),
        {"kind": "image", "shape": [3, 24, 32]},
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("segments", ["slic", "grid"])
def test_parts_come_and_go_in_every_form_of_picture(form: str, segments: str) -> None:
    picture, feature = FORMS[form]
    playing = game(picture, feature, segments=segments, count=12)
    everybody = np.ones((1, playing.players), bool)

    assert (pictures(playing, everybody)[0] == picture).all()
    assert (playing.explained()["picture"].values[0] == picture).all()
    covered = pictures(playing, ~everybody)[0]
    assert covered.dtype == picture.dtype
    assert covered.shape == picture.shape
    alone = pictures(playing, np.eye(playing.players, dtype=bool))
    from_parts = np.where((alone != covered).any(axis=0), picture, covered)
    assert (from_parts == picture).all()
    assert playing.seen.shape[:2] == playing.segments.shape == (24, 32)


@pytest.mark.parametrize(
    "form", [one for one in FORMS if "grey" not in one and one != "normalised"]
)
def test_the_picture_for_eyes_is_the_same_whatever_the_form(form: str) -> None:
    picture, feature = FORMS[form]
    assert np.abs(game(picture, feature).seen.astype(int) - photo()).max() <= 1


def test_a_normalised_picture_is_shown_by_its_range() -> None:
    shown = game(photo() / 40 - 2, range=(-2, 255 / 40 - 2)).seen
    assert np.abs(shown.astype(int) - photo()).max() <= 1
    stretched = game(photo()[:, :, 0] / 40 - 2).seen
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_superpixels_follow_edges_and_number_from_zero() -> None:
    parts = slic(photo(), 12, 10.0)
    assert set(np.unique(parts)) == set(range(parts.max() + 1))
    light = photo()[:, :, 2] > 100
    mixed = [one for one in np.unique(parts) if 0 < light[parts == one].mean() < 1]
    assert not mixed


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 200))
def test_a_grid_has_about_so_many_even_parts(height: int, width: int, count: int) -> None:
    parts = grid(height, width, count)
    sizes = np.bincount(parts.reshape(-1))
    assert sizes.min() > 0
    assert len(sizes) <= count
    if count <= min(height, width):
        assert len(sizes) >= count / 2


def test_a_flat_picture_is_cut_by_a_grid() -> None:
    playing = game(np.full((8, 8), 7.0), count=4, baselines=["constant"])
    assert playing.parts == 4


def test_a_part_that_looks_like_its_cover_is_no_player() -> None:
    picture = np.zeros((8, 8))
    picture[:4, :4] = 1.0
    playing = game(picture, segments="grid", count=4, baselines=["constant"])
    assert playing.playing.tolist() == [0]
    shares = playing.attributions(np.array([3.0]), None, None)
    assert [one.contribution for one in shares] == [3.0, 0.0, 0.0, 0.0]
    assert [one.value for one in shares] == ["#ffffff", "#000000", "#000000", "#000000"]


def test_baselines_are_the_mean_a_blur_and_a_number_in_turn() -> None:
    picture = np.arange(48.0).reshape(4, 4, 3)
    options = PictureSettings(baselines=("mean", "constant", "blur"), constant=-1, blur=0.5)
    mean, constant, blurred = covers(picture, options)
    np.testing.assert_allclose(mean, np.broadcast_to(picture.mean(axis=(0, 1)), (4, 4, 3)))
    assert (constant == -1).all()
    assert blurred.std() < picture.std()
    np.testing.assert_allclose(blurred.mean(axis=(0, 1)), mean[0, 0], atol=1)
    assert game(picture, baselines=["mean", "blur"]).size == 2


def test_covers_of_bytes_are_bytes() -> None:
    options = PictureSettings(baselines=("constant",), constant=300)
    assert covers(photo(), options).dtype == np.uint8
    assert covers(photo(), options).max() == 255


@pytest.mark.parametrize(
    ("picture", "feature", "message"),
    [
        (np.zeros(12), "image", r"has shape \[12\] in a row"),
        (np.zeros(12), {"kind": "image", "shape": [3, 5]}, r"has shape \[12\] in a row"),
        (np.zeros((5, 6, 7)), "image", r"has shape \[5, 6, 7\]: neither end has 1, 3 or 4"),
        (np.array([["a", "b"]], object), "image", "holds strings"),
        (np.zeros((0, 4)), "image", "has shape"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(picture: Any, feature: Any, message: str) -> None:
    with pytest.raises(DataMismatch, match=f"'picture' {message}"):
        game(picture, feature)


def test_channels_can_be_told() -> None:
    assert game(np.random.default_rng(0).random((3, 9, 3)), channels="first").seen.shape == (
        9,
        3,
        3,
    )
    assert game(np.random.default_rng(0).random((3, 9, 3))).seen.shape == (3, 9, 3)
    assert game(np.random.default_rng(0).random((5, 9, 9)), channels="first").seen.shape == (9, 9)


def weights(height: int = 12, width: int = 16) -> Floats:
    told = np.zeros((height, width))
    told[2:5, 3:7] = 1.0
    told[8:10, 9:12] = -2.0
    return told


def linear(values: NDArray[Any]) -> Floats:
    return np.asarray((values * weights()).sum(axis=(1, 2)))


BLACK = {"baselines": ["constant"]}


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


def test_the_picture_seen_has_no_transparency() -> None:
    assert seen(np.ones((4, 5, 4), np.uint8)).shape == (4, 5, 3)
    assert seen(np.ones((4, 5, 1), bool)).tolist() == np.full((4, 5), 255).tolist()


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


def test_shapley_values_of_parts_are_the_sums_of_a_linear_models_weights() -> None:
    options = {**BLACK, "segments": "grid", "count": 12}
    explanation = of_pictures(linear, "shapley", image=options, budget=400)(np.ones((12, 16)))
    content = attributions(explanation)
    assert isinstance(content.layout, ImageLayout)
    owners = content.layout.segments.reshape(-1)
    expected = np.bincount(owners, weights().reshape(-1))
    np.testing.assert_allclose(contributions(explanation), expected, atol=1e-8)


def test_shapley_values_of_few_parts_are_the_enumerated_ones() -> None:
    def curved(values: NDArray[Any]) -> Floats:
        return np.asarray(np.tanh(linear(values)) + values[:, 0, 0] * values[:, 11, 15])

    picture = np.random.default_rng(0).random((12, 16))
    options = {**BLACK, "segments": "grid", "count": 9}
    explain = of_pictures(curved, "shapley", image=options, budget=2000)
    content = attributions(explain(picture))
    assert content.estimator == "exact"
    assert isinstance(content.layout, ImageLayout)
    segments = content.layout.segments

    def by_parts(table: Floats) -> Floats:
        return curved(table[:, segments] * picture)

    truth = enumerated(by_parts, np.ones(9), np.zeros((1, 9)))
    np.testing.assert_allclose(contributions(explain(picture)), truth, atol=1e-10)


def file_of(pixels: NDArray[np.uint8], form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def sent_file(content: bytes) -> Columns:
    return Columns((Column("picture", np.array([content], object)),))


@pytest.mark.parametrize("method", ["occlusion", "rise", "shapley"])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_picture_sent_as_a_file_is_asked_about_as_files(method: str, form: str) -> None:
    def redness(values: NDArray[Any]) -> Floats:
        told = [np.asarray(Image.open(io.BytesIO(one))) for one in values]
        assert {one.shape for one in told} == {(24, 32, 3)}
        return np.array([one[4:10, 4:10, 0].mean() for one in told])

    explain = of_pictures(redness, method, budget=201)
    content = explain(sent_file(file_of(photo(), form))).content
    if isinstance(content, Heatmap):
        top, left = np.unravel_index(content.heat.argmax(), content.heat.shape)
        assert 3 <= top <= 10
        assert 3 <= left <= 10
    assert content.to_json()["prediction"] == pytest.approx(184, abs=30)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"GIF89a", "bytes that are no picture"), (b"", "bytes that are no picture")],
)
def test_bytes_that_are_no_picture_are_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(DataMismatch, match=f"'picture' holds {message}"):
        of_pictures(linear, "rise")(sent_file(content))


def test_a_small_file_of_a_huge_picture_is_not_opened() -> None:
    content = file_of(np.zeros((5000, 5000), np.uint8))
    with pytest.raises(DataMismatch, match="5000 x 5000 pixels; send 16777216 at most"):
        of_pictures(linear, "rise")(sent_file(content))
