"""Fingerprints of pictures: alone as in a batch, near for near ones, far for others."""

from __future__ import annotations

import numpy as np
import pytest

from sidelight.config.settings import ModelSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_detectors.adversarial.images import ImageFingerprint, fit_images, unpack_images
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.parts import Reference
from tests.detectors import data


def rows_of(pictures: np.ndarray) -> Indexed:
    columns = Columns.of(picture=pictures)
    return Indexed(np.zeros((len(pictures), 0), np.int32), Columns(()), asked=columns)


def fitted(pictures: np.ndarray, kind: str = "image") -> ImageFingerprint:
    model = ModelSettings.model_validate({"features": {"picture": kind}})
    rows = rows_of(pictures)
    return fit_images(Reference(Grid(()), 0, rows, rows.asked, model))


def test_a_picture_has_the_same_print_alone_in_a_batch_flat_and_read_back() -> None:
    pictures = data.digits()[0][:300]
    fingerprint = fitted(pictures)
    whole = fingerprint.prints(rows_of(pictures[:50]))

    alone = fingerprint.prints(rows_of(pictures[7:8]))
    flat = fingerprint.prints(rows_of(pictures[:50].reshape(50, -1)))
    again = unpack_images(fingerprint.pack()).prints(rows_of(pictures[:50]))

    assert np.array_equal(alone.places[0], whole.places[7])
    assert alone.identity[0] == whole.identity[7]
    for other in (flat, again):
        assert np.array_equal(other.places, whole.places)
        assert np.array_equal(other.identity, whole.identity)
    assert whole.places.shape == (50, fingerprint.tables)


def test_near_pictures_share_places_and_others_do_not() -> None:
    pictures = data.digits()[0][:500].astype(float)
    fingerprint = fitted(pictures)
    near = pictures + np.random.default_rng(0).normal(0, 3, pictures.shape)
    first, second = (fingerprint.prints(rows_of(some)) for some in (pictures, near))

    shared = (first.places == second.places).mean()
    by_chance = (first.places[:-1] == first.places[1:]).mean()

    assert shared > 0.4
    assert by_chance < 0.1
    assert not (first.identity == second.identity).any()


def test_one_changed_element_leaves_three_quarters_alone() -> None:
    pictures = data.digits()[0][:100].copy()
    fingerprint = fitted(pictures)
    changed = pictures.copy()
    changed[:, 20, 20] = 255 - changed[:, 20, 20]
    first, second = (fingerprint.prints(rows_of(some)) for some in (pictures, changed))

    quarters = slice(fingerprint.tables - 8, fingerprint.tables - 4)

    assert ((first.places == second.places)[:, quarters].sum(axis=1) >= 3).all()


def test_embeddings_and_colours_have_prints_too() -> None:
    random = np.random.default_rng(0)
    for shape in ((300, 40), (300, 3, 20, 20), (300, 33, 45, 3)):
        values = random.uniform(0, 1, shape)
        prints = fitted(values, "tensor").prints(rows_of(values))
        assert len(np.unique(prints.identity)) == 300
        assert len(np.unique(prints.places[:, 0])) > 100


def test_a_missing_column_is_named() -> None:
    fingerprint = fitted(data.digits()[0][:100])
    nothing = Indexed(np.zeros((1, 0), np.int32), Columns(()))

    with pytest.raises(DataMismatch, match="'picture' is missing"):
        fingerprint.prints(nothing)
