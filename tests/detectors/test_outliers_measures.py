"""Forest, ellipsoid and neighbours against scikit-learn and plain arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.covariance import MinCovDet
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors

from sidelight_detectors.outliers.ellipsoid import Ellipsoid, bulk_of
from sidelight_detectors.outliers.neighbours import Neighbours
from sidelight_detectors.outliers.trees import UNIT, Trees, expected_length, grow


def points_of(rows: int, columns: int, seed: int = 0) -> NDArray[np.float64]:
    # Through float32, which scikit-learn's trees read.
    wide = np.random.default_rng(seed).standard_t(4, (rows, columns))
    return wide.astype(np.float32).astype(np.float64)


def as_trees(forest: IsolationForest, sample: int) -> Trees:
    """scikit-learn's trees in our arrays."""
    leaves = 1 << int(np.ceil(np.log2(sample)))
    count = len(forest.estimators_)
    dimension, threshold = np.zeros((count, leaves), np.int32), np.full((count, leaves), np.inf)
    length = np.zeros((count, 2 * leaves), np.int64)

    def write(number: int, tree: Any, node: int, place: int, depth: int) -> None:
        left, right = tree.children_left[node], tree.children_right[node]
        if left < 0:
            rest = expected_length(tree.n_node_samples[node : node + 1])[0]
            below = [place]
            while below:
                here = below.pop()
                length[number, here] = round((depth + rest) * UNIT)
                below += [2 * here, 2 * here + 1] if here < leaves else []
            return
        dimension[number, place] = tree.feature[node]
        threshold[number, place] = tree.threshold[node]
        write(number, tree, left, 2 * place, depth + 1)
        write(number, tree, right, 2 * place + 1, depth + 1)

    for number, one in enumerate(forest.estimators_):
        write(number, one.tree_, 0, 1, 0)
    return Trees(dimension, threshold, length, sample)


def test_trees_score_as_scikit_learns_do() -> None:
    points = points_of(900, 6)
    forest = IsolationForest(n_estimators=40, random_state=0).fit(points)

    ours = as_trees(forest, 256).scores(points)

    np.testing.assert_allclose(ours, -forest.score_samples(points), rtol=0, atol=1e-9)


def test_grown_trees_have_the_law_of_scikit_learns() -> None:
    """Mean path over the same rows, two forests of 400 trees: within the spread of a tree."""
    points = points_of(900, 6)
    ours = grow(points, 400, 256).scores(points)
    theirs = -IsolationForest(n_estimators=400, random_state=1).fit(points).score_samples(points)

    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.004)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99


def test_what_shortens_a_path_adds_up_to_the_path() -> None:
    points = points_of(300, 5)
    trees = grow(points, 30, 128)
    roots = (trees.length[:, 1] / UNIT).mean()

    saved = trees.shortened(points).sum(axis=1)

    np.testing.assert_allclose(saved, roots - trees.lengths(points), atol=1e-9)


def test_trees_of_tied_and_of_few_points_end_early() -> None:
    flat = grow(np.zeros((50, 3)), 10, 256)
    two = grow(np.array([[0.0], [1.0]]), 10, 256)

    assert np.isinf(flat.threshold).all()
    np.testing.assert_allclose(flat.lengths(np.zeros((2, 3))), expected_length(np.array([50]))[0])
    np.testing.assert_allclose(two.lengths(np.array([[0.0], [1.0]])), 1.0)


def test_distances_are_mahalanobis_of_the_ellipsoid() -> None:
    points = points_of(100, 4)
    turn = np.random.default_rng(1).normal(size=(4, 4))
    ellipsoid = Ellipsoid(np.arange(4.0), turn @ turn.T)
    away = points - np.arange(4.0)

    expected = np.einsum("ij,jk,ik->i", away, turn @ turn.T, away)

    np.testing.assert_allclose(ellipsoid.scores(points), expected, rtol=1e-9)
    np.testing.assert_allclose(ellipsoid.shares(points).sum(axis=1), expected, rtol=1e-9)


def test_the_bulk_is_found_as_well_as_by_scikit_learn() -> None:
    """No larger determinant over the same number of points, and outliers have no say."""
    points = points_of(400, 4, seed=2)
    points[:80] = points[:80] / 4 + 30
    found = bulk_of(points)
    theirs = MinCovDet(support_fraction=0.75, random_state=0).fit(points)

    clean = np.median(points[80:], axis=0)

    assert np.abs(found.centre - clean).max() < 0.3
    assert found.scores(points[:80]).min() > 10 * np.median(found.scores(points[80:]))
    chosen = np.argsort(found.scores(points))[:300]
    own = np.linalg.slogdet(np.cov(points[chosen].T, bias=True))[1]
    other = np.argsort(theirs.mahalanobis(points))[:300]
    assert own <= np.linalg.slogdet(np.cov(points[other].T, bias=True))[1] + 1e-3


def test_the_bulk_of_constant_or_few_points_is_still_an_ellipsoid() -> None:
    for points in (np.zeros((40, 3)), points_of(5, 30), np.tile(points_of(40, 1), 3)):
        assert np.isfinite(bulk_of(points).scores(points)).all()


def test_neighbours_are_those_of_scikit_learn() -> None:
    among, rows = points_of(600, 7), points_of(700, 7, seed=1)
    search = NearestNeighbors(n_neighbors=5).fit(among)
    own = Neighbours(among, 5)

    np.testing.assert_allclose(own.scores(rows), search.kneighbors(rows)[0][:, -1], rtol=1e-9)
    np.testing.assert_allclose(own.left_out(), search.kneighbors()[0][:, -1], rtol=1e-9)


def test_a_small_distance_far_from_the_centre_keeps_its_digits() -> None:
    among = points_of(50, 3) + 1e3
    row = among[:1] + np.array([[1e-3, 0.0, 0.0]])

    assert Neighbours(among, 1).scores(row)[0] == pytest.approx(1e-3, rel=1e-9)


def test_fewer_points_than_neighbours_are_all_neighbours() -> None:
    assert Neighbours(np.zeros((3, 1)), 10).scores(np.array([[2.0]]))[0] == 2.0
