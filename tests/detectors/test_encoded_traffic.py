"""Images and texts as they come over the wire: into cells, into panes, or into a dead letter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.events import Body, Exchange
from sidelight.protocols import v1, v2, v2_binary
from sidelight.tensors import Column, Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.streaming.intake import Sample, WatchedColumns
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scoring import score
from sidelight_detectors.summary import Summary
from tests.detectors import traffic

RNG = np.random.RandomState(0)
PICTURES = RNG.gamma(2.0, 30.0, (400, 6, 5)).clip(0, 255).astype(np.uint8)
WORDS = np.array(["good", "bad", "film", "plot", "long", "dull"])
TEXTS = np.array([" ".join(RNG.choice(WORDS, RNG.randint(1, 12))) for _ in range(400)], object)
AGES = RNG.normal(40, 10, 400).round(1)


def model(**features: Any) -> ModelSettings:
    detectors = {"drift": {"window": 50}, "outlier": {"rate": 0.05}}
    return ModelSettings.model_validate({"features": features, "detectors": detectors})


IMAGES = fit(Columns.of(picture=PICTURES), model(picture="image"))
MIXED = fit(
    Columns.of(age=AGES, picture=PICTURES, review=TEXTS),
    model(age="numeric", picture={"kind": "image", "encode": "statistics"}, review="text"),
)


def seen(fitted: Fitted, exchange: Exchange) -> Columns:
    return WatchedColumns.by(Plan(traffic.MODEL, fitted, DetectorsSettings())).of(exchange)


def as_v1(rows: Any) -> Exchange:
    body = traffic.json_body({"instances": rows})
    return traffic.exchange(traffic.rows(1, 0), protocol="v1", request=body)


def as_v2(columns: Columns) -> Exchange:
    content = v2.encode_request(columns)
    body = Body(content, "application/json", size=len(content))
    return traffic.exchange(traffic.rows(1, 0), request=body)


def as_binary(columns: Columns) -> Exchange:
    sent = v2_binary.encode_request(columns)
    body = Body(sent.content, "application/octet-stream", json_length=sent.json_length)
    return traffic.exchange(traffic.rows(1, 0), request=body)


EXPECTED = IMAGES.index(Columns.of(picture=PICTURES[:7])).cells.tolist()


@pytest.mark.parametrize("shape", [(6, 5), (30,), (1, 6, 5), (6, 5, 1)])
@pytest.mark.parametrize("name", ["picture", "input-0"])
@pytest.mark.parametrize("wire", [as_v2, as_binary])
def test_images_of_v2_reach_the_same_cells(wire: Any, name: str, shape: Any) -> None:
    for dtype in (np.uint8, np.float32, np.float64):
        sent = PICTURES[:7].astype(dtype).reshape(7, *shape)
        columns = seen(IMAGES, wire(Columns((Column(name, sent),))))

        assert IMAGES.index(columns).cells.tolist() == EXPECTED


@pytest.mark.parametrize("shape", [(6, 5), (30,), (1, 6, 5)])
@pytest.mark.parametrize("named", [True, False])
def test_nested_lists_of_v1_reach_the_same_cells(named: bool, shape: Any) -> None:
    rows = PICTURES[:7].reshape(7, *shape).tolist()
    sent = [{"picture": row} for row in rows] if named else rows

    assert IMAGES.index(seen(IMAGES, as_v1(sent))).cells.tolist() == EXPECTED


def test_columns_of_all_kinds_travel_together() -> None:
    rows = Columns.of(age=AGES[:9], picture=PICTURES[:9], review=TEXTS[:9])

    expected = MIXED.index(rows).cells.tolist()
    assert MIXED.index(seen(MIXED, as_v2(rows))).cells.tolist() == expected
    told = [
        {"age": age, "picture": picture, "review": review}
        for age, picture, review in zip(
            AGES[:9].tolist(), PICTURES[:9].tolist(), TEXTS[:9], strict=True
        )
    ]
    assert (
        MIXED.index(seen(MIXED, as_v1(orjson.loads(orjson.dumps(told))))).cells.tolist() == expected
    )
    assert v1.decode_request(orjson.dumps({"instances": told})).names == MIXED.inputs


def test_the_fitted_reference_knows_what_is_sent_and_what_is_watched() -> None:
    assert MIXED.inputs == ("age", "picture", "review")
    assert MIXED.columns[:3] == ("age", "picture.mean", "picture.contrast")
    assert MIXED.features == len(MIXED.columns)
    assert MIXED.encoding.source_of("picture.mean") == "picture"
    assert MIXED.encoding.source_of("age") == "age"
    assert MIXED.rows == 300


def test_an_answer_is_encoded_too_and_may_be_missing() -> None:
    asked = ModelSettings.model_validate(
        {
            "features": {"age": "numeric"},
            "outputs": {"answer": {"kind": "text", "encode": "statistics"}},
            "detectors": {"drift": {"window": 50}},
        }
    )
    fitted = fit(Columns.of(age=AGES, answer=TEXTS), asked)

    assert fitted.features == 1
    assert fitted.answers == ("answer",)
    assert fitted.outputs[:2] == ("answer.length", "answer.words")
    whole = fitted.index(Columns.of(age=AGES, answer=TEXTS)).cells
    assert (whole >= 0).all()
    apart = fitted.index(Columns.of(age=AGES), Columns.of(answer=TEXTS)).cells
    assert apart.tolist() == whole.tolist()
    assert (fitted.index(Columns.of(age=AGES)).cells[:, 1:] == -1).all()


def test_one_bad_picture_is_one_dead_letter() -> None:
    plan = Plan("m", IMAGES, DetectorsSettings())
    good = [Sample(n, 0, "", Columns.of(picture=PICTURES[n : n + 1])) for n in range(6)]
    scaled = Sample(6, 0, "", Columns.of(picture=PICTURES[:1] / 255))
    wrong = Sample(7, 0, "", Columns.of(picture=np.zeros((1, 5, 6))))
    broken = PICTURES[:1].astype(float)
    broken[0, 0, 0] = np.nan

    scored = score(plan, [*good, scaled, wrong, Sample(8, 0, "", Columns.of(picture=broken))])

    assert [(sample.offset, type(cause)) for sample, cause in scored.refused] == [
        (6, DataMismatch),
        (7, DataMismatch),
    ]
    (one,) = scored.slices
    assert one.summary.rows == 7
    nulls = [int(part[-1]) for part in IMAGES.grid.split(one.summary.counts)]
    assert nulls == [1] * len(IMAGES.columns)


def test_sums_are_the_same_bytes_under_any_cut() -> None:
    plan = Plan("m", MIXED, DetectorsSettings())
    rows = Columns.of(age=AGES, picture=PICTURES, review=TEXTS)
    samples = [Sample(n, 0, "", rows.take(slice(n * 4, n * 4 + 4))) for n in range(100)]
    whole = added(plan, [samples])

    for cut in (1, 7, 33):
        parts = [samples[at : at + cut] for at in range(0, 100, cut)]
        assert added(plan, parts).to_bytes() == whole.to_bytes()


def added(plan: Plan, runs: list[list[Sample]]) -> Summary:
    total = plan.fitted.nothing
    for run in runs:
        for part in score(plan, run).slices:
            total = total + part.summary
    return total


def test_a_flagged_row_names_the_feature_and_with_it_the_column() -> None:
    plan = Plan("m", MIXED, DetectorsSettings())
    strange = Columns.of(age=[40.0], picture=np.full((1, 6, 5), 255), review=["good film"])

    (flag,) = score(plan, [Sample(0, 0, "", strange)]).flags

    assert {MIXED.encoding.source_of(name) for name, part in flag.contributions[:2] if part} == {
        "picture"
    }


def test_a_fitted_reference_with_encoders_is_read_back(tmp_path: Path) -> None:
    MIXED.save(tmp_path / "m.npz")
    again = Fitted.load(tmp_path / "m.npz")

    rows = Columns.of(age=AGES, picture=PICTURES, review=TEXTS)
    assert again.plan == MIXED.plan
    assert again.inputs == MIXED.inputs
    assert again.index(rows).cells.tolist() == MIXED.index(rows).cells.tolist()
    assert (
        fit(
            rows,
            model(age="numeric", picture={"kind": "image", "encode": "statistics"}, review="text"),
        ).plan
        == MIXED.plan
    )


def test_a_column_named_like_a_feature_is_refused() -> None:
    rows = Columns((*Columns.of(picture=PICTURES), Column("picture.mean", AGES)))
    features = {"picture": "image", "picture.mean": "numeric"}

    with pytest.raises((ConfigError, DataMismatch), match=r"'picture\.mean'"):
        fit(rows, model(**features))
