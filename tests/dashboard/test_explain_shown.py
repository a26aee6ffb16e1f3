"""Explanations as people read them: sentences, bars, marked words, tinted pictures, tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sidelight.config.glossary import GlossaryEntry
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_dashboard.explaining.figures import MOST, bars_figure, drawn
from sidelight_dashboard.explaining.hiding import without
from sidelight_dashboard.explaining.kinds.decisions import decided
from sidelight_dashboard.explaining.kinds.pictures import places_of
from sidelight_dashboard.explaining.kinds.texts import runs_of
from sidelight_dashboard.explaining.overlay import overlaid
from sidelight_dashboard.explaining.reading import quality, share_done, shown
from sidelight_dashboard.explaining.shown import Bar, Bars, Run
from sidelight_dashboard.hiding import Hidden
from sidelight_dashboard.words.numbers import moved_words
from sidelight_dashboard.words.wording import Wording
from tests.explainers.drawn import linear, photo
from tests.explainers.games import explainer, numeric
from tests.explainers.media import of_pictures, of_texts
from tests.explainers.serving import Floats, matrix

WORDING = Wording(
    {
        "f0": GlossaryEntry(name="age"),
        "f1": GlossaryEntry(name="sex", values={"1": "male", "0": "female"}),
        "y": GlossaryEntry(name="income"),
    }
)
PLAIN = Wording({})
BACKGROUND = np.random.default_rng(0).integers(0, 2, (60, 3)).astype(float)
ROW = numeric(np.array([[1.0, 1.0, 0.0]]))


def add_up(table: Floats) -> Floats:
    return np.asarray(3 * table[:, 0] - table[:, 1] + 0.5 * table[:, 2])


def told(method: str, **options: Any) -> Any:
    predictor = FunctionPredictor(lambda rows: Columns((Column("y", add_up(matrix(rows))),)))
    explain = explainer(predictor, numeric(BACKGROUND), method, **options)
    return explain(ROW).to_json()


def test_attributions_are_told_largest_first_by_the_glossary() -> None:
    explanation = told("shapley")

    read = shown(explanation, WORDING)

    means = BACKGROUND.mean(axis=0)
    assert read.sentences[0] == "The answer: income = 2."
    assert read.sentences[2].startswith("What raised it most: age = 1 (+")
    assert read.sentences[3].startswith("What lowered it most: sex = male (-")
    assert read.bars is not None
    amounts = {bar.label: bar.amount for bar in read.bars.bars}
    assert amounts["age = 1"] == pytest.approx(3 * (1 - means[0]), abs=0.3)
    assert [*map(abs, amounts.values())] == sorted(map(abs, amounts.values()), reverse=True)
    assert read.bars.base == explanation["data"]["base_value"]
    assert share_done(explanation) == pytest.approx(
        explanation["data"]["quality"]["rows"] / explanation["data"]["quality"]["budget"]
    )
    assert "allowed" in quality(explanation)[0]


def test_a_model_that_is_not_steady_is_told_as_such() -> None:
    explanation = told("shapley")
    data = {**explanation["data"], "additivity_gap": 0.5, "interval": "unreliable"}

    read = shown({**explanation, "data": data}, WORDING)

    assert read.notes == (
        "The ranges may be too narrow: too few rows were asked. Raise the budget.",
        "The amounts miss the answer by 0.5: the model is not steady.",
    )


def test_bars_are_drawn_to_their_side_with_their_intervals() -> None:
    bars = (Bar("age = 1", 2.0, 1.5, 2.75), Bar("a < b & c", -1.0), Bar("x", 0.5, 0.5, 0.5))

    figure = bars_figure(Bars(bars, "income"))

    up, down = figure["data"]
    assert (up["x"], up["y"], up["marker"]["color"]) == ([2.0, 0.5], [0, 2], "$up")
    assert (down["x"], down["y"], down["marker"]["color"]) == ([-1.0], [1], "$down")
    assert up["error_x"]["array"] == [0.75, 0.0]
    assert up["error_x"]["arrayminus"] == [0.5, 0.0]
    assert not down["error_x"]["visible"]
    texts = [one["text"] for one in figure["layout"]["annotations"]]
    assert texts == ["age = 1  +2.00", "a &lt; b &amp; c  -1.00", "x  +0.50"]


def test_many_bars_share_the_last_one() -> None:
    bars = tuple(Bar(f"f{at}", 1.0 / (at + 1)) for at in range(40))

    some = drawn(bars)

    assert len(some) == MOST + 1
    assert some[-1].label == f"{40 - MOST} others together"
    assert sum(bar.amount for bar in some) == pytest.approx(sum(bar.amount for bar in bars))


def test_bars_that_come_to_nothing_share_one_too() -> None:
    bars = (Bar("a", 1.0), Bar("b", 1e-5), Bar("c", -1e-6), Bar("d", 0.0))

    assert [bar.label for bar in drawn(bars)] == ["a", "3 others together"]
    assert drawn(bars[:2]) == bars[:2]


def test_an_anchor_is_a_sentence() -> None:
    explanation = told("anchor", threshold=1.0)

    read = shown(explanation, WORDING)

    assert read.sentences[0].startswith(("Whenever", "Whatever", "No rule"))
    data = {
        "content": "anchor",
        "output": "y",
        "decision": 1,
        "anchor": ["21 < f0 <= 42", "f1 = 1"],
        "features": ["f0", "f1"],
        "players": [0, 1],
        "found": True,
        "precision": 0.9997,
        "precision_low": 0.95,
        "confidence": 0.95,
        "coverage": 0.125,
        "draws": 1200,
        "distribution": "1000 reference rows",
    }
    read = shown({"data": data}, WORDING)
    assert read.sentences == (
        "Whenever 21 < age <= 42 and sex = male, income = 1 in over 99.9 % of the answers.",
        "The rule applies to 12.5 % of the reference rows.",
    )
    assert read.notes == (
        "Tried on 1,200 fresh draws (1000 reference rows): at least 95 % with 95 % confidence.",
    )
    best = shown({"data": {**data, "found": False}}, WORDING)
    assert best.sentences[0].startswith("No rule is as certain as was wished. The best that")


def test_a_side_of_a_threshold_is_told_in_words() -> None:
    assert decided(WORDING, "y", "<= 0.5") == "income is at most 0.5"
    assert decided(WORDING, "y", "> 0.5") == "income is above 0.5"
    assert decided(WORDING, "f1", 1.0) == "sex = male"


def test_counterfactuals_are_a_table_of_changes() -> None:
    explanation = told("counterfactual", threshold=1.0)

    read = shown(explanation, WORDING)

    (table,) = read.tables
    assert table.titles[:2] == ("", "now")
    ways = explanation["data"]["counterfactuals"]
    changed = {change["feature"] for way in ways for change in way["changes"]}
    assert [cells[0].words for cells in table.rows[: len(changed)]] == [
        WORDING.column(name)
        for name in dict.fromkeys(c["feature"] for w in ways for c in w["changes"])
    ]
    assert all(any(cell.is_changed for cell in cells) for cells in table.rows[: len(changed)])
    assert "instead of" in read.sentences[0]
    none = {**explanation["data"], "counterfactuals": []}
    assert "No row was found" in shown({"data": none}, WORDING).sentences[1]


def test_similar_rows_mark_what_differs() -> None:
    explanation = told("similar", examples=3)

    (table,) = shown(explanation, WORDING).tables

    assert table.titles[1] == "this row"
    nearest = explanation["data"]["examples"]
    ages = next(cells for cells in table.rows if cells[0].words == "age")
    assert [cell.is_changed for cell in ages[2:]] == [one["values"]["f0"] != 1.0 for one in nearest]


def test_words_of_a_text_are_marked_in_place() -> None:
    text = "a good film, not a bad one"
    explain = of_texts(lambda one: one.count("good") - 0.5 * one.count("bad"), "leave_one_out")

    read = shown(explain(text).to_json(), PLAIN)

    assert "".join(run.text for run in read.runs) == text
    marked = {run.text.strip(" ,"): run.style for run in read.runs if run.style}
    assert marked == {"good": "up-4", "bad": "down-3"}
    assert read.notes[-1].startswith("Each amount stands for itself")


def test_runs_that_overlap_are_told_once() -> None:
    assert runs_of("abcdef", [[[0, 4]], [[2, 6]]], [1.0, -0.25]) == (
        Run("abcd", 1.0, "+1"),
        Run("ef", -0.25, "-0.25"),
    )
    assert runs_of("abc", [[[0, 1]]], [0.0]) == (Run("abc"),)


def test_a_picture_is_tinted_where_it_moved_the_output() -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (12, 16))
    explain = of_pictures(linear, "shapley", image={"count": 12, "segments": "grid"})
    explanation = explain(picture).to_json()
    data = explanation["data"]

    tinted = overlaid(data, picture.astype(np.uint8))

    assert tinted is not None
    factor = tinted.shape[0] // 12
    assert tinted.shape == (12 * factor, 16 * factor, 3)
    amounts = np.array([one["contribution"] for one in data["attributions"]])
    heat = amounts[np.asarray(data["segments"])]
    red, _, blue = np.moveaxis(tinted[::factor, ::factor].astype(int), 2, 0)
    strong = 0.2 * np.abs(amounts).max()
    assert (heat > strong).any()
    assert (heat < -strong).any()
    assert (red > blue)[heat > strong].all()
    assert (red < blue)[heat < -strong].all()
    read = shown(explanation, PLAIN)
    assert "Warm" in read.overlay
    assert read.bars is not None
    assert read.bars.bars[0].label.endswith(f"region {np.abs(amounts).argmax()}")


def test_regions_are_named_by_where_they_are() -> None:
    segments = np.arange(9).reshape(3, 3).repeat(4, axis=0).repeat(5, axis=1)

    assert places_of(segments.tolist(), 9) == [
        "top left, region 0",
        "top, region 1",
        "top right, region 2",
        "left, region 3",
        "middle, region 4",
        "right, region 5",
        "bottom left, region 6",
        "bottom, region 7",
        "bottom right, region 8",
    ]


def test_places_stand_on_grey_when_the_picture_is_gone() -> None:
    heat = of_pictures(linear, "rise", budget=64)(np.full((12, 16), 100.0)).to_json()

    told = overlaid(heat["data"], None)

    assert told is not None
    assert told.dtype == np.uint8
    assert overlaid({"content": "anchor"}, photo()) is None


def test_what_another_release_tells_in_another_form_is_a_table() -> None:
    (table,) = shown({"data": {"content": "anchor", "rule": "x"}}, PLAIN).tables

    assert table.rows[0][1].words == "x"


def test_another_librarys_answer_is_a_table_of_its_members() -> None:
    data = {"content": "alibi", "model": "m", "pp": [1.0, 2.0], "lots": list(range(100))}

    (table,) = shown({"data": data}, PLAIN).tables

    assert [[cell.words for cell in cells] for cells in table.rows] == [
        ["pp", "1, 2"],
        ["lots", "100 values"],
    ]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("shapley", {}),
        ("anchor", {"threshold": 1.0}),
        ("counterfactual", {"threshold": 1.0}),
        ("similar", {}),
    ],
)
def test_nothing_is_said_of_a_redacted_column(method: str, options: dict[str, float]) -> None:
    explanation = told(method, **options)

    kept = without(explanation, Hidden(frozenset({"f0"})))

    assert "f0" not in repr(kept["data"])
    assert "f1" in repr(kept["data"]) or "f1" not in repr(explanation["data"])
    shown(kept, WORDING)


def test_another_librarys_answer_is_withheld_where_a_column_is_redacted() -> None:
    explanation = {"meta": {"name": "alibi.x"}, "data": {"content": "alibi", "raw": [[37.0]]}}

    kept = without(explanation, Hidden(frozenset({"f0"})))

    assert "37" not in repr(kept)
    assert "redacted" in shown(kept, PLAIN).sentences[0]


def test_amounts_beside_each_other_have_the_decimals_of_the_largest() -> None:
    amounts = (-0.274, 0.0134, 0.005, -0.000774)
    told = [moved_words(one, amounts[0]) for one in amounts]
    assert told == ["-0.274", "+0.013", "+0.005", "-0.001"]
    assert moved_words(120.0, 1234.0) == "+120"
    assert moved_words(0.0, 0.0) == "+0"
