"""Each encoder: what its numbers are, that a row stands alone, that it survives being stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Column, column_of
from sidelight_detectors.encoders.column import EncodedColumn, fit_column, unpack_column
from sidelight_detectors.encoders.fixed_point import LIMIT
from sidelight_detectors.encoders.projection import MAX_ELEMENTS, WEIGHT_BITS

RNG = np.random.RandomState(0)
PICTURES = (RNG.gamma(2.0, 30.0, (300, 8, 8)).clip(0, 255)).astype(np.uint8)
WORDS = np.array(["the", "a", "film", "was", "good", "bad", "dull", "long", "plot", "and", "very"])
TEXTS = [" ".join(RNG.choice(WORDS, RNG.randint(1, 20))) for _ in range(300)]
TEXTS[:3] = ["", "Ünïcode 123!", "привет мир"]


def feature(kind: str, encode: Any = None, **more: Any) -> FeatureSettings:
    given = {"kind": kind, **({"encode": encode} if encode else {}), **more}
    return ModelSettings.model_validate({"features": {"x": given}}).features["x"]


def fitted(values: Any, kind: str, encode: Any = None, **more: Any) -> EncodedColumn:
    return fit_column(column_of("x", values), feature(kind, encode, **more))


def encoded(encoder: EncodedColumn, values: Any) -> NDArray[np.float64]:
    column = values if isinstance(values, Column) else column_of("x", values)
    return np.stack([one.values for one in encoder.encode(column)], axis=1)


PICTURE = fitted(PICTURES, "image", ["statistics", "pca", "projection"])
TEXT = fitted(TEXTS, "text")
ROWS = {"image": PICTURES, "text": np.array(TEXTS, object)}
ENCODERS = {"image": PICTURE, "text": TEXT}
EXPECTED = {kind: encoded(ENCODERS[kind], ROWS[kind]) for kind in ROWS}


@pytest.mark.parametrize("kind", ROWS)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_a_row_is_encoded_to_the_same_bytes_in_any_batch(kind: str, order: Any, cuts: int) -> None:
    places = list(range(300))
    order.shuffle(places)
    ends = sorted(order.sample(range(1, 300), cuts))
    for begin, end in zip([0, *ends], [*ends, 300], strict=True):
        part = places[begin:end]
        found = encoded(ENCODERS[kind], ROWS[kind][part])
        assert found.tobytes() == EXPECTED[kind][part].tobytes()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8])
@pytest.mark.parametrize("shape", [(8, 8), (64,), (1, 8, 8), (8, 8, 1)])
def test_types_and_shapes_of_the_wire_make_no_difference(dtype: Any, shape: Any) -> None:
    sent = PICTURES.astype(dtype).reshape(300, *shape)

    assert encoded(PICTURE, sent).tobytes() == EXPECTED["image"].tobytes()


def test_a_float32_wire_equals_a_float64_reference_between_0_and_1() -> None:
    scaled = PICTURES / 255
    encoder = fitted(scaled, "image")

    assert encoded(encoder, scaled).tobytes() == encoded(encoder, scaled.astype("f4")).tobytes()


@pytest.mark.parametrize("kind", ROWS)
def test_a_stored_encoder_is_the_same_encoder(kind: str) -> None:
    packed = ENCODERS[kind].pack()
    again = unpack_column(packed)

    assert again.names == ENCODERS[kind].names
    assert encoded(again, ROWS[kind]).tobytes() == EXPECTED[kind].tobytes()
    assert again.pack().header == packed.header
    assert all(array.dtype.kind in "iuf" for array in packed.arrays.values())


def test_components_are_those_of_an_exact_decomposition() -> None:
    smooth = PICTURES.reshape(300, 64) @ RNG.normal(size=(64, 64)) * np.geomspace(1, 0.001, 64)
    encoder = fitted(smooth.reshape(300, 8, 8), "tensor", {"pca": {"components": 5}})
    centred = smooth - smooth.mean(axis=0)
    _, strengths, directions = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ directions[:5].T

    found = encoded(encoder, smooth)

    for place in range(5):
        sign = np.sign(expected[:, place] @ found[:, place])
        error = np.abs(sign * expected[:, place] - found[:, place]).max()
        assert error < 2.0 ** (2 - WEIGHT_BITS) * np.abs(smooth).max()
        assert np.corrcoef(expected[:, place], found[:, place])[0, 1] * sign > 0.9999
    assert np.all(np.diff(strengths[:5]) < 0)
    assert np.all(np.diff(found.std(axis=0)) < 0)


def test_many_elements_and_few_rows_have_the_same_components() -> None:
    wide = RNG.normal(size=(40, 4)) @ RNG.normal(size=(4, 3000))
    encoder = fitted(wide, "tensor", {"pca": {"components": 10}})

    assert encoder.names == tuple(f"x.pca{number}" for number in range(4))
    spread = np.linalg.svd(wide - wide.mean(axis=0), compute_uv=False)[:4] / np.sqrt(40)
    assert encoded(encoder, wide).std(axis=0) == pytest.approx(spread, rel=0.01)


def test_no_sum_of_a_projection_can_leave_the_whole_numbers() -> None:
    assert LIMIT * 2.0**WEIGHT_BITS * MAX_ELEMENTS <= 2.0**53


def test_random_projections_keep_distances() -> None:
    points = RNG.normal(size=(50, 4000)).astype(np.float32)
    encoder = fitted(points, "tensor", {"projection": {"components": 200}})

    found = encoded(encoder, points)
    ratios = [
        np.linalg.norm(found[a] - found[b]) / np.linalg.norm(points[a] - points[b])
        for a in range(10)
        for b in range(a)
    ]
    assert np.std(ratios) / np.mean(ratios) < 3 / np.sqrt(2 * 200)


def test_image_statistics_are_mean_deviation_and_steps() -> None:
    encoder = fitted(PICTURES, "image", "statistics")

    found = encoded(encoder, PICTURES)

    assert encoder.names == ("x.mean", "x.contrast", "x.sharpness")
    pixels = PICTURES.astype(float)
    steps = [np.square(np.diff(pixels, axis=axis)).reshape(300, -1) for axis in (1, 2)]
    assert found[:, 0] == pytest.approx(pixels.mean(axis=(1, 2)))
    assert found[:, 1] == pytest.approx(pixels.std(axis=(1, 2)))
    assert found[:, 2] == pytest.approx(np.sqrt(np.hstack(steps).mean(axis=1)))


@pytest.mark.parametrize("axis", [1, -1])
def test_each_channel_has_its_statistics(axis: int) -> None:
    colours = np.stack([PICTURES, PICTURES // 2, PICTURES // 4], axis=axis)
    encoder = fitted(colours, "image", "statistics")

    found = encoded(encoder, colours)

    assert encoder.names[::3] == ("x.mean0", "x.mean1", "x.mean2")
    assert found[:, 3] == pytest.approx((PICTURES // 2).mean(axis=(1, 2)))


def test_a_flat_image_has_sharpness_where_its_shape_is_told() -> None:
    flat = PICTURES.reshape(300, 64)

    assert fitted(flat, "image", "statistics").names == ("x.mean", "x.contrast")
    shaped = fitted(flat, "image", "statistics", shape=[8, 8])
    assert encoded(shaped, flat).tobytes() == EXPECTED["image"][:, :3].tobytes()
    with pytest.raises(ConfigError, match=r"shape \[9, 8\] has 72 elements.*has 64"):
        fitted(flat, "image", "statistics", shape=[9, 8])


def test_text_statistics_count_what_they_say() -> None:
    found = encoded(TEXT, ["The ZEBRA was good! 42", "", "Привет\x07"])
    told = dict(zip(TEXT.names, found.T, strict=True))

    assert told["x.length"].tolist() == [22, 0, 7]
    assert told["x.words"].tolist() == [5, 0, 1]
    assert told["x.unknown"].tolist() == pytest.approx([0.4, 0, 0])
    assert told["x.digits"].tolist() == pytest.approx([2 / 22, 0, 0])
    assert told["x.punctuation"].tolist() == pytest.approx([1 / 22, 0, 0])
    assert told["x.nonprintable"].tolist() == pytest.approx([0, 0, 1 / 7])
    assert told["x.latin"].tolist() == [1, 0, 0]
    assert told["x.cyrillic"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("ελληνικά", "greek"),
        ("кириллица", "cyrillic"),
        ("עברית", "hebrew"),
        ("العربية", "arabic"),
        ("हिन्दी", "indic"),
        ("தமிழ்", "indic"),
        ("漢字かなカナ한글", "cjk"),
        ("ภาษาไทย", "other"),
        ("ÀÉßʼn", "latin"),
    ],
)
def test_letters_are_told_apart_by_script(text: str, script: str) -> None:
    column = TEXT.names.index(f"x.{script}")

    assert encoded(TEXT, [text])[0, column] == 1


def test_tfidf_agrees_with_a_decomposition_of_the_same_matrix() -> None:
    encoder = fitted(TEXTS, "text", {"tfidf": {"components": 4}})
    vectors = np.zeros((300, len(WORDS)))
    for row, text in enumerate(TEXTS):
        for word in text.split():
            vectors[row] += word == WORDS
    known = vectors.sum(axis=1) > 0
    rarity = 1 + np.log(301 / (1 + (vectors > 0).sum(axis=0)))
    vectors = vectors[known] * rarity
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    expected = vectors @ np.linalg.svd(vectors, full_matrices=False)[2][:4].T

    found = encoded(encoder, TEXTS)[known]

    for place in range(4):
        assert abs(np.corrcoef(expected[:, place], found[:, place])[0, 1]) > 0.999
        assert np.abs(found[:, place]).max() == pytest.approx(
            np.abs(expected[:, place]).max(), rel=0.02
        )
    assert encoded(encoder, [""]).tolist() == [[0, 0, 0, 0]]


def test_what_unicode_has_no_place_for_is_a_text_all_the_same() -> None:
    found = encoded(TEXT, ["lone \ud800 surrogate", "\x00\uffff\U0010ffff"])

    assert np.isfinite(found).all()
    assert found[0, TEXT.names.index("x.nonprintable")] > 0


@pytest.mark.parametrize("kind", ROWS)
def test_a_null_row_is_null_in_every_feature(kind: str) -> None:
    column = column_of("x", ROWS[kind][:4])
    valid = np.ones(column.values.shape, bool)
    valid[1] = False

    for one in ENCODERS[kind].encode(Column("x", column.values, valid)):
        assert one.valid is not None
        assert one.valid.tolist() == [True, False, True, True]


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf, 1e300])
def test_a_picture_with_a_pixel_that_is_no_number_is_null(strange: float) -> None:
    sent = PICTURES[:2].astype(float)
    sent[1, 3, 3] = strange

    found = PICTURE.encode(column_of("x", sent))

    assert all(one.valid is not None and one.valid.tolist() == [True, False] for one in found)
    assert found[0].values[0] == EXPECTED["image"][0, 0]


@pytest.mark.parametrize("kind", ROWS)
def test_a_column_of_nulls_only_is_null(kind: str) -> None:
    nothing = Column("x", np.full(3, np.nan), np.zeros(3, bool))

    if kind == "image":
        nothing = Column("x", np.full(3, "", object), np.zeros(3, bool))
    assert all(
        not one.valid.any() for one in ENCODERS[kind].encode(nothing) if one.valid is not None
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((2, 8, 9)), r"'x': a row has shape \[8, 9\], the reference's have \[8, 8\]"),
        (np.zeros((2, 4, 16)), r"shape \[4, 16\].*\[8, 8\]; send that shape, or its 64 elements"),
        (np.zeros((8, 8)), r"a row has shape \[8\]"),
        (["a", "b"], "holds string values, a tensor of numbers was expected"),
        (PICTURES / 255, r"reaches 0\.\d+, the reference is on the scale 0..255"),
        (PICTURES * 300.0, r"reaches \d+, the reference is on the scale 0..255"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused_by_name(values: Any, told: str) -> None:
    with pytest.raises(DataMismatch, match=told):
        PICTURE.encode(column_of("x", values))


def test_bytes_where_the_reference_is_between_0_and_1_are_refused() -> None:
    with pytest.raises(DataMismatch, match=r"reaches \d+, the reference is on the scale 0\.\.1;"):
        fitted(PICTURES / 255, "image").encode(column_of("x", PICTURES))


def test_a_black_picture_is_on_every_scale() -> None:
    assert np.isfinite(encoded(PICTURE, np.zeros((2, 8, 8)))).all()
    assert np.isfinite(encoded(PICTURE, np.ones((2, 8, 8)))).all()


def test_numbers_are_no_texts() -> None:
    with pytest.raises(DataMismatch, match="holds number values, text was expected"):
        TEXT.encode(column_of("x", [1, 2]))
    with pytest.raises(DataMismatch, match="only one value a row"):
        TEXT.encode(column_of("x", [["a", "b"], ["c", "d"]]))


def test_bytes_are_texts_in_utf_8() -> None:
    assert (
        encoded(TEXT, ["grün".encode(), b"film"]).tolist()
        == encoded(TEXT, ["grün", "film"]).tolist()
    )


def test_a_reference_that_teaches_nothing_is_refused() -> None:
    with pytest.raises(DataMismatch, match="'x': its rows in the reference are all the same"):
        fitted(np.full((50, 4, 4), 7), "image")
    with pytest.raises(NotEnoughData, match="'x': 15 of its 15 rows"):
        fitted(PICTURES[:15], "image")
    with pytest.raises(DataMismatch, match="too few different words"):
        fitted(["same"] * 50, "text")
    with pytest.raises(DataMismatch, match="has 1 elements a row, no image"):
        fitted(np.arange(50), "image")
    with pytest.raises(DataMismatch, match="holds string values"):
        fitted(TEXTS, "image")


@pytest.mark.parametrize(
    "damage",
    [
        {"pca/weights": np.zeros((64, 15), np.int16)},
        {"pca/weights": np.zeros((64, 16))},
        {"pca/centre": np.zeros(64)},
    ],
)
def test_a_damaged_encoder_is_not_read(damage: dict[str, NDArray[Any]]) -> None:
    packed = PICTURE.pack()
    arrays = {**packed.arrays, **damage}

    with pytest.raises(ValueError, match="its "):
        unpack_column(type(packed)(packed.header, arrays))
