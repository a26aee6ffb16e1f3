"""What a column is encoded by: long and short forms, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sidelight.config import load
from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.files import require_files
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError


def feature(written: Any) -> FeatureSettings:
    return ModelSettings.model_validate({"features": {"x": written}}).features["x"]


@pytest.mark.parametrize(
    ("written", "methods"),
    [
        ("image", ("statistics", "pca")),
        ("tensor", ("pca",)),
        ("text", ("statistics", "tfidf")),
        ({"kind": "image", "encode": "projection"}, ("projection",)),
        ({"kind": "image", "encode": {"method": "pca", "components": 3}}, ("pca",)),
        ({"kind": "text", "encode": ["tfidf", "statistics"]}, ("statistics", "tfidf")),
        ({"kind": "image", "encode": [{"pca": {"components": 3}}, "projection"]},
         ("pca", "projection")),
        ({"kind": "image", "encode": {"onnx": {"path": "m.onnx"}}}, ("onnx",)),
        ({"kind": "image", "encode": {"statistics": True}}, ("statistics",)),
    ],
)  # fmt: skip
def test_every_form_says_the_same(written: Any, methods: tuple[str, ...]) -> None:
    encoding = feature(written).encoding

    assert encoding is not None
    assert encoding.methods == methods
    assert encoding.pca is None or encoding.pca.components in (3, 16)


def test_plain_columns_have_no_encoding() -> None:
    assert feature("numeric").encoding is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"kind": "text", "encode": "pca"}, "text has no encoder 'pca'; use statistics, tfidf"),
        ({"kind": "tensor", "encode": "statistics"}, "tensor has no encoder 'statistics'"),
        ({"kind": "numeric", "encode": "pca"}, "numeric columns are not encoded"),
        ({"kind": "image", "encode": {"statistics": False}}, "names no encoder; use statistics"),
        ({"kind": "image", "encode": ["pca", "pca"]}, "a method is named twice"),
        ({"kind": "image", "encode": {"method": "onnx"}}, r"by name: \{onnx: \{path"),
        ({"kind": "image", "encode": "pcb"}, "pcb"),
        ({"kind": "image", "encode": [3]}, "3 is no encoder"),
        ({"kind": "image", "shape": [28, 0]}, r"'shape' is \[28, 0\]"),
    ],
)
def test_what_cannot_be_encoded_so_is_refused(written: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        feature(written)


def test_an_encoders_file_is_looked_for_beside_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text("models: {m: {features: {x: {kind: image, encode: {onnx: {path: m.onnx}}}}}}\n")

    loaded = load(file, environ={})

    onnx = loaded.settings.models["m"].features["x"].encode
    assert onnx is not None
    assert onnx.onnx is not None
    assert onnx.onnx.path == tmp_path / "m.onnx"
    place = r"1: models\.m\.features\.x\.encode\.onnx\.path .*m\.onnx.*: there is no such file"
    with pytest.raises(ConfigError, match=place):
        require_files(loaded)
