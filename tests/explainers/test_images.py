from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from sidelight.config.explaining.players import OfPictures, PictureSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.contents.layout import ImageLayout
from sidelight_explainers.games.image import ImageGame
from sidelight_explainers.images.covering import covers
from sidelight_explainers.images.opening import open_pictures
from sidelight_explainers.images.seeing import seen
from sidelight_explainers.images.segments import grid, slic
from sidelight_explainers.subject import Subject
from tests.explainers.drawn import BLACK, FORMS, linear, photo, weights
from tests.explainers.games import attributions, contributions, enumerated
from tests.explainers.media import of_pictures, row
from tests.explainers.serving import Floats


def game(picture: Any, feature: Any = "image", /, **options: Any) -> ImageGame:
    known = ModelSettings.model_validate({"features": {"picture": feature}})
    settings = OfPictures.model_validate({"image": options})
    subject = Subject("m", known, ("picture",))
    return open_pictures(subject, settings)(row("picture", picture), settings)


def pictures(playing: ImageGame, masks: NDArray[np.bool_], background: int = 0) -> NDArray[Any]:
    return playing.rows(masks, np.full(len(masks), background))["picture"].values


def test_a_picture_of_another_form_than_the_references_is_refused() -> None:
    known = ModelSettings.model_validate({"features": {"picture": {"kind": "image"}}})
    flat = ModelSettings.model_validate(
        {"features": {"picture": {"kind": "image", "shape": [28, 28]}}}
    )
    settings = OfPictures()
    for model, reference, sent in (
        (flat, np.zeros((2, 784)), np.zeros((28, 28))),
        (flat, np.zeros((2, 784)), np.zeros(700)),
        (known, np.zeros((2, 28, 28)), np.zeros((28, 28, 3))),
    ):
        subject = Subject("m", model, ("picture",), Columns.of(picture=reference))
        games = open_pictures(subject, settings)
        with pytest.raises(DataMismatch, match=r"'picture' has shape .* send one of shape"):
            games(row("picture", sent), settings)
        games(row("picture", reference[0]), settings)
    subject = Subject("m", flat, ("picture",), Columns.of(picture=np.zeros((2, 700))))
    with pytest.raises(ConfigError, match=r"shape is \[28, 28\], but .* 700 numbers"):
        open_pictures(subject, settings)


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


def test_the_picture_seen_has_no_transparency() -> None:
    assert seen(np.ones((4, 5, 4), np.uint8)).shape == (4, 5, 3)
    assert seen(np.ones((4, 5, 1), bool)).tolist() == np.full((4, 5), 255).tolist()


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
