from __future__ import annotations

import json
import resource
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pydantic import ValidationError

from sidelight.config.explaining.players import OfTexts, WordsSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.layout import TextLayout
from sidelight_explainers.games.text import TextGame
from sidelight_explainers.subject import Subject
from sidelight_explainers.texts.opening import open_texts
from sidelight_explainers.texts.units import sentence_of, words
from tests.explainers.games import attributions, contributions, enumerated
from tests.explainers.media import of_texts, row
from tests.explainers.serving import Floats

FEATURES = ModelSettings.model_validate({"features": {"words": "text"}})


def game(text: str, reference: Sequence[str] | None = None, /, **options: Any) -> TextGame:
    known = None if reference is None else Columns((Column("words", np.array(reference, object)),))
    settings = OfTexts.model_validate(options)
    subject = Subject("m", FEATURES, ("words",), known, known)
    return open_texts(subject, settings)(row("words", text), settings)


def told(playing: TextGame, *present: set[int], background: int = 0) -> list[str]:
    """The texts in which only those players are there."""
    masks = np.array([[one in here for one in range(playing.players)] for here in present])
    rows = playing.rows(masks, np.full(len(masks), background))
    return [str(one) for one in rows["words"].values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It isn't bad; it's (really) good!", "It|isn't|bad;|it's|(really)|good!"),
        (
            "A well-known 1,000 $3.14 U.S. film :) 👍🏽",
            "A|well-known|1,000|$3.14|U.S.|film|:)|👍🏽",
        ),
        ("这部电影很好。我「喜」欢", "这|部|电|影|很|好。|我|「喜」|欢"),
        ("नमस्ते दुनिया।", "नमस्ते|दुनिया।"),
        ("نعم، جيد؟", "نعم،|جيد؟"),
        ("안녕 좋은 영화", "안녕|좋은|영화"),
        ("Größe naïve", "Größe|naïve"),
        ("good/bad — dash", "good/|bad|—|dash"),
        (" \n\t", ""),
    ],
)
def test_words_are_found_in_any_script(text: str, expected: str) -> None:
    assert "|".join(text[start:end] for start, end in words(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is bad. I hated it! (Really.) Why?", [0, 0, 0, 1, 1, 1, 2, 3]),
        ("See Mr. Smith, e.g. now. Go", [0, 0, 0, 0, 0, 1]),
        ("很好。喜欢！", [0, 0, 1, 1]),
        ("one\n\ntwo three", [0, 1, 1]),
        ("version 3.5 works... well", [0, 0, 0, 1]),
    ],
)
def test_sentences_end_at_their_marks(text: str, expected: list[int]) -> None:
    assert sentence_of(text, words(text)) == expected


def test_a_long_run_of_marks_is_split_in_linear_time() -> None:
    for text in ("." * 200_000, "-" * 200_000, '."' * 100_000, "a'" * 100_000):
        assert sentence_of(text, words(text))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["removed", "unknown"]))
def test_with_all_players_the_text_is_untouched_and_all_words_are_somebodys(
    text: str, absent: str
) -> None:
    playing = game(text, text={"absent": absent, "unknown": "\0"})
    everybody = set(range(playing.players))

    assert told(playing, everybody) == [text]
    assert playing.explained()["words"].values[0] == text
    covered = "".join(text[start:end] for start, end in playing.spans)
    assert covered == "".join(text.split())


def test_an_absent_word_leaves_no_gap() -> None:
    playing = game("A good (really) film!  Not bad.")
    assert told(playing, {0, 1, 3}, {2}, set(), {3, 5}) == [
        "A good film!",
        "(really)",
        "",
        "film!  bad.",
    ]


def test_an_absent_word_is_the_unknown_one_in_its_place() -> None:
    playing = game("A good film!", text={"absent": "unknown", "unknown": "[MASK]"})
    assert told(playing, {1}) == ["[MASK] good [MASK]"]


def test_a_word_that_is_the_unknown_one_is_no_player_and_gets_nothing() -> None:
    playing = game("UNK is UNK", text={"absent": "unknown"})
    assert playing.playing.tolist() == [1]
    shares = playing.attributions(np.array([2.0]), None, None)
    assert [(one.value, one.contribution) for one in shares] == [
        ("UNK", 0.0),
        ("is", 2.0),
        ("UNK", 0.0),
    ]


def test_sentences_are_players_when_asked_for() -> None:
    playing = game("Good film. Bad sound, though. Go!", text={"unit": "sentence"})
    assert [playing.text[a:b] for a, b in playing.spans] == [
        "Good film.",
        "Bad sound, though.",
        "Go!",
    ]
    assert told(playing, {0, 2}) == ["Good film. Go!"]


def test_neighbours_are_joined_where_there_are_more_words_than_players() -> None:
    text = " ".join(f"w{at}" for at in range(1000))
    playing = game(text, text={"most": 7})
    assert playing.players == 7
    assert {len(playing.text[a:b].split()) for a, b in playing.spans} <= {142, 143}
    assert game(text, budget=42).players == 20


def test_words_of_a_pattern_play_and_all_else_stays() -> None:
    playing = game("id=17; name=ann", words={"pattern": r"\w+=\w+"})
    assert told(playing, {0}, {1}) == ["id=17;", "; name=ann"]


def test_sampled_words_come_from_the_reference() -> None:
    texts = ["red green", "blue"]
    playing = game("one two three", texts, text={"absent": "sampled", "samples": 5})
    assert playing.size == 5
    drawn = {word for at in range(5) for word in told(playing, set(), background=at)[0].split()}
    assert drawn <= {"red", "green", "blue"}
    again = game("one two three", texts, text={"absent": "sampled", "samples": 5})
    assert (again.absent == playing.absent).all()


def shouted(words: Sequence[str], samples: int, _rng: Generator) -> list[list[str]]:
    return [[word.upper() for word in words]] * samples


def test_a_sampler_of_ones_own_gives_the_replacements() -> None:
    own = {"sampler": f"{__name__}:shouted"}
    playing = game("a bc", text={"absent": "sampled", "samples": 2}, words=own)
    assert told(playing, {0}, background=1) == ["a BC"]
    with pytest.raises(ConfigError, match="'nowhere:f' cannot be imported"):
        game("a", words={"sampler": "nowhere:f"})


def test_sampling_without_anything_to_sample_from_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"set words\.sampler, or models\.m\.reference"):
        game("a b", text={"absent": "sampled"})


def test_a_tokenizer_file_says_what_words_are(tmp_path: Path) -> None:
    vocabulary = {"[UNK]": 0, "play": 1, "##ing": 2, "it": 3}
    file = tmp_path / "tokenizer.json"
    file.write_text(
        json.dumps(
            {
                "version": "1.0",
                "added_tokens": [],
                "normalizer": None,
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "post_processor": None,
                "decoder": None,
                "model": {
                    "type": "WordPiece",
                    "unk_token": "[UNK]",
                    "continuing_subword_prefix": "##",
                    "max_input_chars_per_word": 100,
                    "vocab": vocabulary,
                },
            }
        )
    )
    playing = game("playing it, é!", words={"tokenizer": str(file)})
    assert [playing.text[a:b] for a, b in playing.spans] == ["playing", "it", ",", "é", "!"]
    file.write_text("{}")
    with pytest.raises(ArtifactError, match=r"is no tokenizer\.json"):
        game("a", words={"tokenizer": str(file)})


@pytest.mark.parametrize("pattern", ["(", r"\w*"])
def test_a_pattern_that_cannot_find_words_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match=r"regular expression|matches the empty text"):
        WordsSettings(pattern=pattern)


def test_bytes_are_texts_in_utf_8() -> None:
    settings = OfTexts()
    games = open_texts(Subject("m", FEATURES, ("words",)), settings)
    sent = Columns((Column("anything", np.array(["ça va".encode()], object)),))
    playing = games(sent, settings)
    rows = playing.rows(np.array([[True, False]]), np.array([0]))
    assert rows["words"].values.tolist() == ["ça".encode()]
    with pytest.raises(DataMismatch, match="'words' is no UTF-8"):
        games(Columns((Column("words", np.array([b"\xff"], object)),)), settings)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (Columns((Column("words", np.array([1.0])),)), "'words' holds a number"),
        (Columns((Column("words", np.array(["a", "b"], object)),)), "2 rows of 'words'"),
        (
            Columns((Column("words", np.array([""], object), np.array([False])),)),
            "'words' is null",
        ),
        (Columns.of(a=["x"], b=["y"]), "'words' is missing"),
    ],
)
def test_what_is_no_text_is_refused_by_name(sent: Columns, message: str) -> None:
    settings = OfTexts()
    with pytest.raises(DataMismatch, match=message):
        open_texts(Subject("m", FEATURES, ("words",)), settings)(sent, settings)


def counted(text: str) -> float:
    return text.count("good") - 2.0 * text.count("bad") + 0.5


def test_leaving_one_out_gives_what_the_output_loses() -> None:
    explanation = of_texts(counted, "leave_one_out")("A good film, not bad.")
    content = attributions(explanation)
    assert contributions(explanation).tolist() == [0.0, 1.0, 0.0, 0.0, -2.0]
    assert (content.base_value, content.prediction) == (0.5, -0.5)
    assert content.additivity_gap is None
    assert explanation.quality.calls == 1
    assert isinstance(content.layout, TextLayout)
    places = [content.layout.text[a:b] for ((a, b),) in content.layout.spans]
    assert places == ["A", "good", "film,", "not", "bad."]


def test_leaving_out_averages_over_samples() -> None:
    options = {"absent": "sampled", "samples": 400}
    explain = of_texts(counted, "leave_one_out", ["good bad"], text=options, budget=5000)
    # a word drawn from the reference counts 1 or -2, so -0.5 on average
    found = contributions(explain("good film"))
    np.testing.assert_allclose(found, [1.5, 0.5], atol=0.25)


def rhyming(text: str) -> float:
    """A word counts more beside its like."""
    words = text.split()
    pairs = sum(one[-1] == other[-1] for one, other in pairwise(words))
    return float(np.tanh(len(words) / 3) + 0.5 * pairs + 0.2 * ("cat" in words))


def test_shapley_values_of_few_words_are_the_enumerated_ones() -> None:
    words = ["a", "cat", "sat", "on", "the", "mat", "fat"]
    explanation = of_texts(rhyming, "shapley")(" ".join(words))

    def by_words(table: Floats) -> Floats:
        there = [[word for word, one in zip(words, row, strict=True) if one] for row in table]
        return np.array([rhyming(" ".join(one)) for one in there])

    truth = enumerated(by_words, np.ones(7), np.zeros((1, 7)))
    assert attributions(explanation).estimator == "exact"
    np.testing.assert_allclose(contributions(explanation), truth, atol=1e-10)


def test_shapley_values_of_many_words_of_an_additive_model_are_its_weights() -> None:
    text = " ".join(["good", "bad", "so", "what"] * 8)
    found = contributions(of_texts(counted, "shapley", budget=400)(text))
    np.testing.assert_allclose(found, [1.0, -2.0, 0.0, 0.0] * 8, atol=1e-8)


@pytest.mark.parametrize("method", ["leave_one_out", "shapley"])
def test_sixteen_texts_at_once_get_what_each_gets_alone(method: str) -> None:
    explain = of_texts(rhyming, method, budget=120)
    many = [
        " ".join(f"{letter}{at % 3}" for letter in "abcdefghij"[: 3 + at % 8]) for at in range(16)
    ]

    alone = [explain(one).content.to_json() for one in many]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda one: explain(one).content.to_json(), many))

    assert together == alone


def test_an_empty_text_has_an_explanation_without_words() -> None:
    explanation = of_texts(counted, "leave_one_out")("")
    assert attributions(explanation).attributions == ()
    assert attributions(explanation).prediction == 0.5


def test_a_request_chooses_units_and_keeps_what_is_configured() -> None:
    explain = of_texts(
        counted, "leave_one_out", text={"absent": "unknown", "unknown": "bad"}, budget=100
    )
    explanation = explain("good. film", text={"unit": "sentence"})
    assert contributions(explanation).tolist() == [3.0, 2.0]
    assert explanation.params["text"]["unknown"] == "bad"


def test_how_words_are_found_is_not_for_requests() -> None:
    with pytest.raises(ValueError, match="words"):
        of_texts(counted, "leave_one_out")("a b", words={"pattern": "a"})


def test_three_hundred_words_need_little_memory() -> None:
    rng = np.random.default_rng(0)
    text = " ".join("x" * rng.integers(2, 12) for _ in range(300))
    playing = game(text, text={"most": 300})
    masks = rng.random((10_000, 300)) < 0.5
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rows = playing.rows(masks, np.zeros(10_000, np.intp))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(rows) == 10_000
    assert after - before < 200_000  # kilobytes
