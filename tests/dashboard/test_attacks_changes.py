"""What changed from one query to the next, as people read it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.glossary import GlossaryEntry
from sidelight.errors import DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_dashboard.attacks.changes import Change, changes, difference, is_seen
from sidelight_dashboard.attacks.texts import Piece, pieces
from sidelight_dashboard.words.wording import Wording
from tests.sidelight.column_strategies import some_columns

PLAIN = Wording({})
IMAGE = {"picture": FeatureSettings(kind="image", shape=(2, 2))}


def test_only_what_changed_is_told_in_the_words_of_the_glossary() -> None:
    wording = Wording({"sex": GlossaryEntry(name="gender", values={"1": "male", "2": "female"})})
    before = Columns.of(age=[37.0], sex=[1], name=["x"])
    after = Columns.of(age=[38.5], sex=[2], name=["x"])

    assert changes(before, after, {}, wording) == (
        Change("age", "age", "37", "38.5"),
        Change("sex", "gender", "male", "female"),
    )


def test_a_row_against_itself_has_not_changed_even_where_numbers_are_missing() -> None:
    row = Columns((Column("a", np.array([np.nan])), Column("b", np.array([0]), np.array([False]))))

    assert changes(row, row, {}, PLAIN) == ()


def test_what_is_not_sent_any_more_is_a_change() -> None:
    told = changes(Columns.of(a=[1], b=["x"]), Columns.of(a=[1], c=["y"]), {}, PLAIN)

    assert told == (Change("c", "c", "not sent", "y"), Change("b", "b", "x", "not sent"))


def test_a_null_is_missing() -> None:
    before = Columns((Column("a", np.array([5])),))
    after = Columns((Column("a", np.array([0]), np.array([False])),))

    (told,) = changes(before, after, {}, PLAIN)

    assert (told.before, told.after) == ("5", "missing")


def test_a_text_is_told_by_its_words() -> None:
    kinds = {"review": FeatureSettings(kind="text")}

    (told,) = changes(
        Columns.of(review=["a fine film"]), Columns.of(review=["a fin film"]), kinds, PLAIN
    )

    assert told.pieces == (
        Piece("same", "a"),
        Piece("gone", "fine"),
        Piece("new", "fin"),
        Piece("same", "film"),
    )


def test_a_text_of_which_only_spaces_changed_says_so() -> None:
    kinds = {"review": FeatureSettings(kind="text")}

    (told,) = changes(Columns.of(review=["a  b"]), Columns.of(review=["a b"]), kinds, PLAIN)

    assert (told.after, told.pieces) == ("other spaces", ())


def test_of_long_stretches_that_stayed_only_the_ends_are_told() -> None:
    many = [f"w{number}" for number in range(100)]

    told = pieces(" ".join([*many, "old", *many]), " ".join([*many, "new", *many]))

    assert told == (
        Piece("same", "… w96 w97 w98 w99"),
        Piece("gone", "old"),
        Piece("new", "new"),
        Piece("same", "w0 w1 w2 w3 …"),
    )


def test_a_vector_is_told_by_how_far_it_moved() -> None:
    before = Columns((Column("v", np.zeros((1, 4))),))
    after = Columns((Column("v", np.array([[0, 3.0, 0, -4.0]])),))

    (told,) = changes(before, after, {}, PLAIN)

    assert told.after == "2 of 4 numbers, by 4 at most (distance 5)"
    assert not told.is_compared


def test_a_picture_can_be_seen_and_its_change_too() -> None:
    before = Column("picture", np.array([[0.0, 0.5, 1.0, 0.5]]))
    after = Column("picture", np.array([[0.0, 0.6, 0.8, 0.5]]))

    (told,) = changes(Columns((before,)), Columns((after,)), IMAGE, PLAIN)
    seen = difference(before, after, (2, 2))

    assert is_seen(after, IMAGE["picture"])
    assert told.is_compared
    assert seen.tolist() == [[128, 191], [0, 128]]


def test_colours_lie_first_or_last_in_a_picture_of_changes() -> None:
    apart = np.zeros((1, 3, 5, 6))
    apart[0, 2, 4, 1] = 1.0

    first = difference(Column("p", np.zeros((1, 3, 5, 6))), Column("p", apart), ())
    last = difference(
        Column("p", np.zeros((1, 5, 6, 3))), Column("p", apart.transpose(0, 2, 3, 1)), ()
    )

    assert first.shape == (5, 6, 3)
    assert first[4, 1].tolist() == [128, 128, 255]
    assert np.array_equal(first, last)


def test_files_are_seen_but_not_compared() -> None:
    files = [np.array([b"\x89PNG\r\n\x1a\n" + end], object) for end in (b"1", b"2")]
    before, after = (Columns((Column("picture", one),)) for one in files)

    (told,) = changes(before, after, IMAGE, PLAIN)

    assert is_seen(after["picture"], IMAGE["picture"])
    assert (told.is_compared, told.after) == (False, "other content")
    with pytest.raises(DataMismatch, match="as numbers"):
        difference(before["picture"], after["picture"], (2, 2))


def test_pictures_of_another_size_are_not_compared() -> None:
    with pytest.raises(DataMismatch, match="one size"):
        difference(Column("p", np.zeros((1, 2, 2))), Column("p", np.zeros((1, 3, 3))), ())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_columns(), some_columns())
def test_any_two_rows_can_be_told_apart(before: Columns, after: Columns) -> None:
    one, other = before.take([0]), after.take([0])

    told = changes(one, other, {}, PLAIN)

    assert {change.column for change in told} <= {*one.names, *other.names}
    assert changes(one, one, {}, PLAIN) == ()
    assert all(change.after or change.pieces for change in told)
