from __future__ import annotations

from typing import Literal

import pytest

from sidelight.config.glossary import GlossaryEntry
from sidelight_explainers.contents.anchor import Anchor, Condition
from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.composing import compose
from sidelight_explainers.pictures.drawing.letters import pieces, shortened, width_of, wrapped
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Paragraph
from sidelight_explainers.pictures.wording import (
    amount,
    apart,
    clean,
    cut,
    error,
    level,
    listed,
    mark,
    number,
    percent,
    value_words,
)
from sidelight_explainers.quality import Quality
from sidelight_explainers.terminal.text import plain_text
from tests.explainers.pictured import attributions, explanation

GLOSSARY = {
    "RELP": GlossaryEntry.model_validate(
        {"name": "place in the household", "values": {16: "in an institution"}}
    ),
    "probability": GlossaryEntry(name="chance of being employed"),
}


def test_amounts_beside_each_other_have_the_decimals_of_the_largest() -> None:
    assert [amount(one, 0.4) for one in (0.4, -0.0698, 0.0001, -0.0001)] == [
        "+0.400",
        "-0.070",
        "0.000",
        "0.000",
    ]
    assert amount(1234.5, 1234.5) == "+1234"
    assert amount(2e12, 2e12) == "+2e+12"
    assert amount(0, 0) == "0"
    assert error(0.0123, 0.4) == "± 0.012"
    assert mark(-0.2122, 0.5) == "-0.21"


def test_a_value_that_is_not_zero_is_never_told_as_zero() -> None:
    assert level(0.0002952, 0.2) == "0.0003"
    assert level(0.0, 0.2) == "0.000"
    assert level(37.0, 0) == "37"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "missing"),
        (True, "yes"),
        (37.0, "37"),
        (0.123456, "0.1235"),
        ("text", "text"),
        ([1, "a", None], "1, a, missing"),
        ({"a": 1}, "a: 1"),
        ("long " * 40, ("long " * 40)[:59].rstrip() + "…"),
    ],
)
def test_values_in_words(value: object, words: str) -> None:
    assert value_words(value) == words


def test_certain_is_only_said_of_what_is() -> None:
    assert percent(1) == "100 %"
    assert percent(0.9999) == "over 99.9 %"
    assert percent(0.95) == "95 %"


def test_lists_and_cuts() -> None:
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a"]) == "a"
    assert cut("a  b\nc", 4) == "a b…"
    assert number(1e20) == "1e+20"


def test_what_could_harm_a_terminal_or_document_is_replaced() -> None:
    assert clean("a\x1b[31mb\x00\ud800\n") == "a\ufffd[31mb\ufffd\ufffd\n"
    told = plain_text(explanation(attributions([("\x1b]0;title\x07", "\x9b", 0.1)])))
    assert not any(one in told for one in "\x1b\x07\x9b")


def test_words_of_the_other_direction_are_kept_apart() -> None:
    assert apart("abc") == "abc"
    assert apart("שלום") == "\u2068שלום\u2069"


def test_lines_are_no_wider_than_asked_and_words_stay_whole_where_they_can() -> None:
    lines = wrapped("marital-status Never-married (-0.121)", 12, 90)
    assert lines == ["marital-status", "Never-married", "(-0.121)"]
    assert all(width_of(line, 12) <= 90 for line in lines)
    broken = wrapped("abcdefghijklmnopqrstuvwxyz", 12, 60)
    assert "".join(broken) == "abcdefghijklmnopqrstuvwxyz"
    assert all(width_of(line, 12) <= 60 for line in broken)
    assert "".join(pieces("a b-c  d")) == "a b-c  d"
    assert width_of(shortened("a long label", 12, 50), 12) <= 50


def test_people_read_the_words_of_the_glossary() -> None:
    names = Names(GLOSSARY)
    assert names.pair("RELP", 16.0) == "place in the household = in an institution"
    assert names.pair("RELP", "3") == "place in the household = 3"
    assert names.pair("RELP", None) == "place in the household is missing"
    assert names.condition("RELP", "RELP = 16") == "place in the household = in an institution"
    assert names.condition("RELP", "RELP > 3") == "place in the household > 3"
    assert names.condition("RELP", "1 < RELP <= 3") == "1 < place in the household <= 3"
    assert names.condition("RELP", "RELP is null") == "place in the household is missing"
    assert names.condition("E", "E > 1e5") == "E > 1e5"
    assert names.column("AGEP") == "AGEP"


def test_json_keeps_the_models_own_words() -> None:
    content = attributions([("RELP", "16", 0.2)])
    told = Explanation("m", "x", {}, content, Quality(1, 0, 1, 0.1, 2, "budget"), glossary=GLOSSARY)
    assert "place in the household = in an institution" in plain_text(told)
    assert told.to_json()["data"]["attributions"][0]["feature"] == "RELP"
    assert told.to_json()["data"]["attributions"][0]["value"] == "16"


def test_an_anchor_speaks_by_the_glossary_too() -> None:
    rule = (Condition("RELP", 0, "RELP = 16"),)
    content = Anchor("probability", 0, rule, True, 1.0, 0.97, 0.95, 0.1, 100, "the reference")
    told = Explanation("m", "x", {}, content, Quality(1, 0, 1, 0.1, 2, "budget"), glossary=GLOSSARY)
    first = compose(told).blocks[0]
    assert isinstance(first, Paragraph)
    assert first.text.startswith("Whenever place in the household = in an institution, 100 %")


@pytest.mark.parametrize(("effect", "sign"), [("centred", "+"), ("output", "")])
def test_plots_in_a_terminal_have_one_scale_and_only_changes_have_signs(
    effect: Literal["centred", "output"], sign: str
) -> None:
    curves = tuple(Curve(name, (0, 1), (0.0, top)) for name, top in (("high", 0.8), ("low", 0.2)))
    told = plain_text(explanation(Curves("p", effect, 0.3, curves, "the reference", 9)))
    bars = [line.split() for line in told.splitlines() if "█" in line]
    assert bars == [["1", f"{sign}0.800", "█" * 36], ["1", f"{sign}0.200", "█" * 9]]
