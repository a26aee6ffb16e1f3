"""Feature squeezing: what squeezers do, and what of real attacks they find."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
import pytest
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.detecting.squeezing import SqueezingSettings
from sidelight.config.settings import ModelSettings, PredictorSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.events.exchanges import to_record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.predictors import open_predictor
from sidelight.protocols import v2
from sidelight.tensors import Column, Columns
from sidelight_detectors.results.findings import OutlierResult
from sidelight_detectors.squeezing.calibrating import LEAST, Calibrations
from sidelight_detectors.squeezing.distance import answer_of, apart
from sidelight_detectors.squeezing.images import BitDepth, Median, NonLocalMeans
from sidelight_detectors.squeezing.squeezers import Rounding, fit_squeezers
from sidelight_detectors.squeezing.station import squeezing_station
from sidelight_detectors.stations.place import Place
from tests.detectors.answering import answering
from tests.detectors.squeezed_digits import digits, fooling, ordinary
from tests.detectors.test_stations import Time, drained, worker_on
from tests.detectors.traffic import exchange, json_body
from tests.detectors.traffic import rows as people

IMAGE = FeatureSettings(kind="image")


def _images(count: int = 2, channels: int = 1) -> NDArray[np.float64]:
    return np.random.RandomState(0).uniform(size=(count, 6, 5, channels))


def test_fewer_bits_leave_that_many_levels_and_the_nearest() -> None:
    images = np.linspace(0, 1, 257).reshape(1, 257, 1, 1)
    for bits in (1, 3):
        found = BitDepth(bits)(images)
        levels = np.linspace(0, 1, 2**bits)
        np.testing.assert_allclose(np.unique(found), levels, atol=1e-15)
        nearest = np.abs(images.ravel()[:, None] - levels).min(axis=1)
        np.testing.assert_allclose(np.abs(found - images).ravel(), nearest, atol=1e-12)


def test_a_median_looks_at_its_square_and_at_no_other_image_or_channel() -> None:
    images = _images(channels=3)
    found = Median(3)(images)
    for image in range(2):
        for channel in range(3):
            square = images[image, 1:4, 1:4, channel]
            assert found[image, 2, 2, channel] == np.median(square)


def test_non_local_means_are_the_weighted_means_of_their_definition() -> None:
    images, means = _images(1, 3), NonLocalMeans(5, 3, 30.0)
    wide = np.pad(images[0], ((3, 3), (3, 3), (0, 0)), mode="symmetric")

    def patch(down: int, right: int) -> NDArray[np.float64]:
        return 255 * wide[down - 1 : down + 2, right - 1 : right + 2]

    total, weights = np.zeros(3), 0.0
    for down in range(-2, 3):
        for right in range(-2, 3):
            apart_by = np.square(patch(6, 5) - patch(6 + down, 5 + right)).mean()
            weight = np.exp(-apart_by / 30.0**2)
            total += weight * wide[6 + down, 5 + right]
            weights += weight
    np.testing.assert_allclose(means(images)[0, 3, 2], total / weights, rtol=1e-9)


@pytest.mark.parametrize("squeeze", [BitDepth(4), Median(2), NonLocalMeans(5, 3, 40.0)])
def test_a_flat_image_stays_as_it_is(squeeze: Any) -> None:
    images = np.full((1, 6, 5, 3), 0.2)
    np.testing.assert_allclose(squeeze(images), images, atol=1e-12)


@pytest.mark.parametrize("form", ["rows", "flat", "channels first", "channels last"])
def test_images_keep_their_form_type_and_scale(form: str) -> None:
    whole = np.random.RandomState(0).randint(0, 256, (30, 8, 8)).astype(np.uint8)
    colours = np.stack([whole] * 3, axis=1)
    sent = {
        "rows": whole,
        "flat": whole.reshape(30, 64),
        "channels first": colours,
        "channels last": np.moveaxis(colours, 1, 3),
    }[form]
    feature = FeatureSettings(kind="image", shape=(8, 8) if form == "flat" else ())
    table = Columns.of(picture=sent, note=["a"] * 30)
    squeezers = fit_squeezers(table, {"picture": feature}, SqueezingSettings())
    assert len(squeezers) == 3
    for squeeze in squeezers:
        found = squeeze(table)
        assert found["picture"].values.shape == sent.shape
        assert found["picture"].values.dtype == np.uint8
        assert found["note"] is table["note"]
    expected = {"rows": "bits-1", "flat": "bits-1"}.get(form, "bits-5")
    assert squeezers[0].name == expected
    if form in ("rows", "flat"):
        reduced = squeezers[0](table)["picture"].values
        np.testing.assert_array_equal(reduced, np.where(sent >= 128, 255, 0))


def test_numbers_are_rounded_to_the_nearest_of_their_levels() -> None:
    squeeze = Rounding(np.array([0.0, 1.0, 10.0]))
    told = squeeze(Column("x", np.array([-5.0, 0.4, 0.5, 0.6, 5.5, 6.0, 99.0, np.nan])))
    expected = [0.0, 0.0, 0.0, 1.0, 1.0, 10.0, 10.0, np.nan]
    np.testing.assert_array_equal(told.values, expected)


def test_levels_are_values_of_the_reference() -> None:
    table = Columns.of(x=np.arange(100), c=["a"] * 100, k=np.ones(100))
    kinds = {
        "x": FeatureSettings(kind="numeric"),
        "c": FeatureSettings(kind="categorical"),
        "k": FeatureSettings(kind="numeric"),
    }
    (squeeze,) = fit_squeezers(table, kinds, SqueezingSettings(quantiles=(4,)))
    assert squeeze.name == "quantiles-4"
    assert sorted(set(squeeze(table)["x"].values)) == [12, 37, 62, 87]
    assert squeeze(table)["x"].values.dtype == np.int64
    assert squeeze(table)["k"] is table["k"]
    with pytest.raises(ConfigError, match="none to squeeze"):
        fit_squeezers(table, {"c": kinds["c"]}, SqueezingSettings())


def test_distances_are_l1_of_probabilities() -> None:
    own, first, second = [0.7, 0.3], [0.2, 0.8], [0.7, 0.3]
    found = apart(Column("p", np.array([own, own, first, own, second, own])), 2)
    np.testing.assert_allclose(found, [[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(DataMismatch):
        answer_of(Columns.of(p=[0.5], s=[0.5]), "q")


def test_a_squeezer_that_moves_every_answer_hides_no_other() -> None:
    """Of raw distances the largest would always be the second one's."""
    random = np.random.RandomState(0)
    calibrations = Calibrations(400, 0.05)
    ordinary_rows = np.column_stack([random.uniform(0, 0.01, 400), random.uniform(0, 2, 400)])
    calibrations.add("", np.arange(400), ordinary_rows)
    calibrated = calibrations.of("")
    assert calibrated is not None
    assert calibrated.p_values(np.array([[1.0, 0.5]]))[0] == 1 / 201
    assert calibrated.p_values(np.array([[0.001, 1.0]]))[0] > 0.05
    assert calibrated.p_values(np.array([[np.nan, 1.0]]))[0] == 1.0


def test_what_was_calibrated_is_kept_to_the_last_bit() -> None:
    found = Calibrations(50, 0.05)
    found.add("7", np.arange(50), np.random.RandomState(0).uniform(size=(50, 3)))
    again = Calibrations(50, 0.05)
    again.restore(found.saved())
    ours, theirs = found.of("7"), again.of("7")
    assert ours is not None
    assert theirs is not None
    np.testing.assert_array_equal(ours.scale, theirs.scale)
    np.testing.assert_array_equal(ours.conformal.calibration, theirs.conformal.calibration)
    assert ours.scale.min() >= LEAST
    assert not len(again.missing)


def test_attacked_digits_are_found_over_http(tmp_path: Path) -> None:
    known = digits(units=48)
    attacked, usual = fooling(known, "hop-skip-jump", 25), ordinary(known, 200)
    assert len(attacked) >= 20
    log, time = MemoryLog(), Time()
    exchanges = [attacked, *np.split(usual, 10)]
    log.append(INFERENCE, [_asked(one, number) for number, one in enumerate(exchanges)])
    with answering(known.answer) as server, ExitStack() as closing:
        model = _model(tmp_path, known.reference, server.url)
        assert model.predictor is not None
        predictor = open_predictor("digits", model.predictor, ("picture",))
        closing.callback(predictor.close)
        at = squeezing_station("digits", model, predictor, Place(clock=time))
        said = list(drained(worker_on(log, at, time), time))
    flagged = [one for one in said if isinstance(one, OutlierResult)]
    found = sum(one.address.offset == 0 for one in flagged)
    assert found >= 0.9 * len(attacked)
    # At a rate of 0.05 on average over references: of 200 rows 10, by this reference up to twice.
    assert len(flagged) - found <= 20


def _model(folder: Path, reference: NDArray[np.float32], url: str) -> ModelSettings:
    table = pa.table({"picture": [one.ravel().tolist() for one in reference]})
    pyarrow.parquet.write_table(table, folder / "reference.parquet")
    return ModelSettings.model_validate(
        {
            "reference": folder / "reference.parquet",
            "features": {"picture": {"kind": "image", "shape": [28, 28]}},
            "predictor": PredictorSettings(url=url),
            "detectors": {"squeezing": {"rate": 0.05, "max_rows_per_minute": 10**6}},
        }
    )


def _asked(pictures: NDArray[np.float32], number: int) -> Any:
    plain = exchange(people(1, seed=0), number, model="digits", path="/v2/models/digits/infer")
    asked = v2.encode_request(Columns.of(picture=pictures))
    return to_record(replace(plain, request=json_body(orjson.loads(asked))))
