"""What the inputs of a model are, to those who explain it."""

from __future__ import annotations

from collections.abc import Mapping

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.explaining.method import Modality


def modality_of(features: Mapping[str, FeatureSettings]) -> Modality:
    """Of a lone text or image its words or superpixels are explained, else whole features."""
    kinds = [feature.kind for feature in features.values()]
    if kinds == ["text"]:
        return "text"
    return "image" if kinds == ["image"] else "tabular"
