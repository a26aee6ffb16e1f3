from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.contents.layout import ImageLayout, TextLayout
from sidelight_explainers.pictures.composing import compose
from sidelight_explainers.pictures.page import Bars, Gallery, Paragraph, Plots, Words
from sidelight_explainers.pictures.rendering import PictureKind, render
from sidelight_explainers.terminal.text import plain_text
from tests.explainers.pictured import (
    KINDS,
    PICTURE,
    anchor,
    attributions,
    counterfactuals,
    explanation,
    of_picture,
    of_text,
    text_layout,
)

KINDS_OF_FILE: tuple[PictureKind, ...] = ("html", "svg", "png")
ADDRESSES = re.compile(r"""(?:src|href)="([^"]*)\"""")


class _Parsed(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(svg: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def html_of(content: Any, **more: Any) -> _Parsed:
    document = render(explanation(content, **more), "html")[0].decode()
    reader = _Parsed()
    reader.feed(document)
    return reader


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind", KINDS_OF_FILE)
def test_every_kind_is_one_small_document_without_script_or_foreign_address(
    name: str, kind: PictureKind
) -> None:
    content, media_type = render(explanation(KINDS[name]), kind)
    assert len(content) < 50_000
    if kind == "png":
        assert media_type == "image/png"
        assert Image.open(io.BytesIO(content)).width in (400, 800)
        return
    text = content.decode()
    assert all(one.startswith("data:image/") for one in ADDRESSES.findall(text))
    assert "url(" not in text
    assert "<script" not in text
    if kind == "svg":
        assert media_type == "image/svg+xml"
        assert parsed(content).tag == "{http://www.w3.org/2000/svg}svg"
    else:
        assert media_type.startswith("text/html")
        assert "default-src 'none'" in text


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_can_be_read_in_a_terminal(name: str) -> None:
    told = plain_text(explanation(KINDS[name]))
    assert "1,984 rows asked in 3 calls" in told
    assert told.isprintable() or set(told) - {"\n"}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_said_is_the_same_in_every_form(name: str) -> None:
    page = compose(explanation(KINDS[name]))
    html = html_of(KINDS[name]).text
    svg = "".join(parsed(render(explanation(KINDS[name]), "svg")[0]).itertext())
    for told in (page.heading, *(one.text for one in page.blocks if isinstance(one, Paragraph))):
        assert told in html
        assert all(word in svg for word in told.split())


NASTY = "<script>alert(1)</script>\"'&\x00\x0b\ud800￾ ‮א"


@pytest.mark.parametrize("kind", KINDS_OF_FILE)
def test_names_and_values_are_told_and_never_followed(kind: PictureKind) -> None:
    words = of_text(NASTY + " good")
    for content in (
        attributions([(NASTY, NASTY, 0.2), ("x", {NASTY: NASTY}, -0.1)]),
        words,
        anchor(layout=text_layout(NASTY)),
    ):
        document = render(explanation(content, NASTY, NASTY), kind)[0]
        assert b"<script>" not in document
        if kind == "svg":
            parsed(document)


def test_bars_lead_from_the_base_value_to_the_prediction() -> None:
    content = attributions([("b", 1, -0.1), ("a", 2, 0.2), ("c", 3, 0.05)])
    bars = next(one for one in compose(explanation(content)).blocks if isinstance(one, Bars))
    assert [bar.label for bar in bars.bars] == ["a = 2", "b = 1", "c = 3"]
    assert bars.first is not None
    assert bars.last is not None
    assert bars.bars[0].start == bars.first.value == content.base_value
    assert [bar.start for bar in bars.bars[1:]] == pytest.approx([0.52, 0.42])
    assert bars.bars[-1].end == pytest.approx(bars.last.value)
    assert (bars.place(bars.reach[0]), bars.place(bars.reach[1])) == (0, 1)


def test_features_without_a_bar_of_their_own_share_one() -> None:
    content = attributions([(f"f{at}", at, 1.0 / (at + 1)) for at in range(40)])
    bars = next(one for one in compose(explanation(content)).blocks if isinstance(one, Bars))
    assert bars.bars[-1].label == "25 other features together"
    assert bars.bars[-1].end == pytest.approx(content.prediction)


def test_amounts_that_do_not_add_up_all_begin_at_zero() -> None:
    content = attributions([("a", 1, 0.2), ("b", 1, -0.3)], None, additivity_gap=None)
    page = compose(explanation(content))
    bars = next(one for one in page.blocks if isinstance(one, Bars))
    assert all(bar.start == 0 for bar in bars.bars)
    assert bars.first is None
    assert any("do not add up" in note for note in page.notes)


def test_intervals_that_may_be_too_narrow_and_unsteady_models_are_told_of() -> None:
    content = attributions([("a", 1, 0.2)], interval="unreliable", additivity_gap=0.1)
    notes = " ".join(compose(explanation(content)).notes)
    assert "may be too narrow" in notes
    assert "not steady" in notes


def test_every_letter_of_a_text_is_shown_once_and_the_strongest_word_is_darkest() -> None:
    content = of_text()
    words = next(one for one in compose(explanation(content)).blocks if isinstance(one, Words))
    assert isinstance(content.layout, TextLayout)
    assert "".join(run.text for run in words.runs) == content.layout.text
    strongest = max(content.attributions, key=lambda one: abs(one.contribution))
    assert {run.text for run in words.runs if abs(run.weight) == 1} == {strongest.value}


def test_long_texts_stay_small() -> None:
    content = of_text(" ".join(f"word{at}" for at in range(5000)))
    for kind in KINDS_OF_FILE:
        assert len(render(explanation(content), kind)[0]) < 50_000


def test_many_long_curves_stay_small() -> None:
    points = tuple(np.linspace(-3, 3, 200).tolist())
    wild = tuple(np.sin(np.array(points) * 7.7).tolist())
    one = Curve("f", points, wild, wild, wild, (wild,) * 100)
    content = Curves("p", "output", 0.3, (one,) * 40, "the reference", 500)
    for kind in KINDS_OF_FILE:
        assert len(render(explanation(content), kind)[0]) < 50_000


def test_large_photographs_stay_small() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (500, 700, 3)).astype(np.uint8)
    content = of_picture()
    segments = np.zeros((500, 700), np.int32)
    layout = ImageLayout("image", photo, segments)
    noisy = Attributions("p", 0, 1, content.attributions, "x", 0.0, None, layout=layout)
    for kind in KINDS_OF_FILE:
        assert len(render(explanation(noisy), kind)[0]) < 50_000


def test_a_picture_is_shown_as_sent_and_tinted() -> None:
    gallery = compose(explanation(of_picture())).blocks[1]
    assert isinstance(gallery, Gallery)
    sent, tinted = gallery.pictures
    assert sent.pixels.shape == tinted.pixels.shape == PICTURE.shape
    np.testing.assert_array_equal(sent.pixels, PICTURE)
    assert (tinted.pixels != PICTURE).any()


def test_an_anchor_is_a_sentence() -> None:
    told = html_of(anchor()).text
    assert "Whenever age > 37 and sex = f, 97 % of the answers are yes." in told
    assert "applies to 12 % of the reference rows" in told
    assert "at least 95 % with 95 % confidence" in told
    assert "No rule is as certain as was wished" in html_of(anchor(found=False)).text


def test_a_counterfactual_is_a_sentence() -> None:
    told = html_of(counterfactuals()).text
    assert "With hours = 45 instead of 38 and school = b instead of a" in told
    assert "the answer would be 1 (0.6)." in told
    assert "No row was found" in html_of(counterfactuals(0)).text


def test_texts_from_the_right_keep_their_direction() -> None:
    text = "השירות היה מצוין"
    svg = render(explanation(of_text(text)), "svg")[0].decode()
    assert 'direction="rtl"' in svg
    html = render(explanation(of_text(text)), "html")[0].decode()
    assert '<div class="words" dir="auto">' in html


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=80),
            st.none() | st.text(max_size=80) | st.floats() | st.integers() | st.booleans(),
            st.floats(-1e6, 1e6),
        ),
        max_size=30,
    )
)
def test_any_names_values_and_amounts_can_be_drawn(told: list[tuple[str, Any, float]]) -> None:
    content = attributions(told)
    parsed(render(explanation(content), "svg")[0])
    render(explanation(content), "html")
    plain_text(explanation(content)).encode()


def test_alibis_answers_are_drawn_where_their_names_say_what_they_are() -> None:
    rule = {"anchor": ["age > 37", "sex = f"], "precision": 0.97, "coverage": 0.1}
    told = html_of(Foreign("AnchorTabular", "local", rule)).text
    assert "Whenever age > 37 and sex = f, in 97 % of its draws the answer is the same" in told
    ale = {
        "feature_names": ["age"],
        "feature_values": [[1.0, 2.0]],
        "ale_values": [[[-0.1, 0.1], [0.1, -0.1]]],
    }
    page = compose(explanation(Foreign("ALE", "global", ale)))
    plots = next(one for one in page.blocks if isinstance(one, Plots))
    assert plots.plots[0].effects == (-0.1, 0.1)
    lost = {"feature_names": ["a", "b"], "feature_importance": [[0.1, 0.3]]}
    page = compose(explanation(Foreign("PermutationImportance", "global", lost)))
    bars = next(one for one in page.blocks if isinstance(one, Bars))
    assert [bar.label for bar in bars.bars] == ["b", "a"]


def test_large_arrays_are_told_by_their_shape() -> None:
    image = np.zeros((28, 28, 3)).tolist()
    told = html_of(Foreign("AnchorImage", "local", {"anchor": image, "n": [1, 2]})).text
    assert "28 × 28 × 3 numbers" in told
    assert "1, 2" in told
