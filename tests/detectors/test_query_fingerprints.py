"""Fingerprints of rows and texts: near ones share places, and a row's print is its own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.config.settings import ModelSettings
from sidelight.tensors import Columns
from sidelight_detectors.adversarial.contract import Prints
from sidelight_detectors.adversarial.detector import QueryAttacks
from sidelight_detectors.adversarial.hashing import joined
from sidelight_detectors.adversarial.trail import prints_of, trail_of
from sidelight_detectors.fitted import Fitted, fit
from tests.detectors.data import texts
from tests.detectors.querying import Stream, people, search, traffic


def printed(fitted: Fitted, rows: Columns) -> Prints:
    part = fitted.parts["adversarial"]
    assert isinstance(part, QueryAttacks)
    return part.fingerprints.prints(fitted.index(rows))


def shared(prints: Prints) -> NDArray[np.int64]:
    """Tables in which each row shares the first one's place."""
    return np.asarray((prints.places == prints.places[0]).sum(axis=1))


def test_a_print_survives_the_pane() -> None:
    prints = printed(people(), traffic(0, 50))
    back = prints_of(trail_of(prints))

    assert np.array_equal(back.identity, prints.identity)
    assert np.array_equal(back.places, prints.places)


def test_small_steps_share_places_and_strangers_do_not() -> None:
    steps = printed(people(), search(100, 40, 1, size=0.05)).places
    far = shared(printed(people(), traffic(100, 1100)))

    assert np.median((steps[1:] == steps[:-1]).sum(axis=1)) >= 8
    assert np.median(far[1:]) == 0


def test_only_equal_rows_have_one_identity() -> None:
    rows = Columns.concatenate([search(100, 300, 2), search(100, 300, 2)])
    prints = printed(people(), rows)
    values = {tuple(column.values[row] for column in rows) for row in range(len(rows))}

    assert np.array_equal(prints.identity[:300], prints.identity[300:])
    assert len(np.unique(prints.identity)) == len(values)


def test_a_number_cannot_be_chosen_so_that_a_row_passes_for_another() -> None:
    """Mixing without a digest can be undone: of two numbers the second follows from the first."""
    first, second = np.arange(2000.0), np.arange(2000.0) % 7
    settings = {
        "features": {"a": "numeric", "b": "numeric"},
        "detectors": {"adversarial": {}},
    }
    fitted = fit(Columns.of(a=first, b=second), ModelSettings.model_validate(settings))
    step, nothing = np.uint64(0x9E3779B97F4A7C15), np.zeros(2, np.uint64)
    begun = joined(nothing, np.array([3.0, 4.0]).view(np.uint64))
    asked = np.full(1, 5.0).view(np.uint64) + (begun[:1] - begun[1:]) * step
    rows = Columns.of(a=np.array([3.0, 4.0]), b=np.array([5.0, asked.view(np.float64)[0]]))

    one, other = printed(fitted, rows).identity

    assert one != other


def test_the_plan_with_its_prints_is_read_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("plan") / "people.npz"
    people().save(path)
    back = Fitted.load(path)

    rows = traffic(0, 20)
    assert np.array_equal(printed(back, rows).places, printed(people(), rows).places)


@pytest.fixture(scope="module")
def reviews() -> Fitted:
    settings = {"features": {"text": "text"}, "detectors": {"adversarial": {}}}
    return fit(Columns.of(text=texts("movies")[:4000]), ModelSettings.model_validate(settings))


def exchanged(text: str, count: int, seed: int) -> list[str]:
    """The text with one to three words exchanged for words of other reviews, many times."""
    rng = np.random.default_rng(seed)
    others = " ".join(texts("movies")[:200]).split()
    found = []
    for _ in range(count):
        words = text.split()
        for at in rng.choice(len(words), int(rng.integers(1, 4)), replace=False):
            words[at] = others[int(rng.integers(len(others)))]
        found.append(" ".join(words))
    return found


def test_a_text_with_words_exchanged_shares_places(reviews: Fitted) -> None:
    text = max(texts("movies")[5000:5050], key=len)
    near = shared(printed(reviews, Columns.of(text=[text, *exchanged(text, 30, 0)])))
    far = shared(printed(reviews, Columns.of(text=texts("movies")[5000:6000])))

    assert np.median(near) >= 10
    assert np.median(far[1:]) <= 1


def test_a_search_among_texts_is_found_and_reviews_are_none(reviews: Fitted) -> None:
    stream = Stream.of(reviews)
    stream.ask(Columns.of(text=texts("movies")[5000:7000]), each=200)
    assert stream.raised == []

    text = max(texts("movies")[8000:8050], key=len)
    stream.ask(Columns.of(text=exchanged(text, 60, 1)), "mallory", each=10)

    assert len(stream.raised) == 1
    assert stream.results[-1].count > 40


def test_empty_and_odd_texts_have_prints(reviews: Fitted) -> None:
    prints = printed(reviews, Columns.of(text=["", "!", "one", "one", "\ud800", "ONE"]))

    assert prints.identity[2] == prints.identity[3] != prints.identity[5]
    assert np.array_equal(prints.places[2], prints.places[5])
    assert np.array_equal(prints.places[0], prints.places[1])
