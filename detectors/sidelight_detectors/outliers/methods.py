"""The outlier methods by the name the configuration gives them."""

from __future__ import annotations

from collections.abc import Mapping

from sidelight_detectors.outliers import combined, ecod, hbos, points
from sidelight_detectors.outliers.scorer import Method

METHODS: Mapping[str, Method] = {
    "ecod": ecod.METHOD,
    "hbos": hbos.METHOD,
    "mahalanobis": points.MAHALANOBIS,
    "forest": points.FOREST,
    "knn": points.KNN,
    "combined": combined.METHOD,
}
