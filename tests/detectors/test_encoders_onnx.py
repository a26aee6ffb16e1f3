"""Trained encoders in ONNX files, made here by scikit-learn."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch
from sidelight.tensors import Columns, column_of
from sidelight_detectors.encoders.column import EncodedColumn, fit_column, unpack_column
from sidelight_detectors.fitted import Fitted, fit

RNG = np.random.RandomState(0)
PICTURES = RNG.randint(0, 256, (200, 6, 6)).astype(np.uint8)
COLOURS = RNG.randint(0, 256, (200, 4, 4, 3)).astype(np.uint8)
TEXTS = np.array(
    ["".join(RNG.choice(list("abcdef "), RNG.randint(1, 30))) for _ in range(200)], object
)


def saved(path: Path, nodes: list[Any], shape: list[Any], kind: int, constants: Any = ()) -> Path:
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense layer of 5 over 36 flat elements."""
    weights = RNG.normal(size=(36, 5)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Tanh", ["z"], ["y"]),
    ]
    path = tmp_path_factory.mktemp("onnx") / "layer.onnx"
    return saved(path, nodes, ["n", 36], TensorProto.FLOAT, [("w", weights)])


def fitted(values: Any, kind: str, **onnx_settings: Any) -> EncodedColumn:
    encode = {
        "onnx": {key: str(v) if isinstance(v, Path) else v for key, v in onnx_settings.items()}
    }
    model = ModelSettings.model_validate({"features": {"x": {"kind": kind, "encode": encode}}})
    return fit_column(column_of("x", values), model.features["x"])


def encoded(encoder: EncodedColumn, values: Any) -> NDArray[np.float64]:
    return np.stack([one.values for one in encoder.encode(column_of("x", values))], axis=1)


def test_an_embedding_is_the_models_own_output(layer: Path) -> None:
    encoder = fitted(PICTURES, "image", path=layer, scale=1 / 255)
    weights = onnx.numpy_helper.to_array(onnx.load(layer).graph.initializer[0])

    found = encoded(encoder, PICTURES)

    assert encoder.names == tuple(f"x.onnx{number}" for number in range(5))
    expected = np.tanh((PICTURES.reshape(200, 36) / 255) @ weights)
    assert found == pytest.approx(expected, abs=1e-4)


def test_a_wide_embedding_is_reduced(layer: Path) -> None:
    encoder = fitted(PICTURES, "image", path=layer, scale=1 / 255, components=2)

    assert encoder.names == ("x.onnx0", "x.onnx1")


@pytest.mark.parametrize("components", [2, 16])
def test_a_row_is_encoded_to_the_same_bytes_in_any_batch(layer: Path, components: int) -> None:
    encoder = fitted(PICTURES, "image", path=layer, scale=1 / 255, components=components)
    expected = encoded(encoder, PICTURES)

    for cut in (1, 7, 64):
        parts = [encoded(encoder, PICTURES[at : at + cut]) for at in range(0, 200, cut)]
        assert np.concatenate(parts).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [("chw", ["n", 3, 4, 4]), ("hwc", ["n", 4, 4, 3]), ("same", ["n", 4, 4, 3])],
)
def test_channels_stand_where_the_model_wants_them(
    tmp_path: Path, layout: str, wanted: list[Any]
) -> None:
    axes = [2, 3] if layout == "chw" else [1, 2]
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=axes, keepdims=0)
    path = saved(tmp_path / "mean.onnx", [node], wanted, TensorProto.FLOAT)

    mean, std = [100.0, 110.0, 120.0], [1.0, 2.0, 4.0]
    encoder = fitted(COLOURS, "image", path=path, layout=layout, mean=mean, std=std)

    expected = (COLOURS.mean(axis=(1, 2)) - mean) / std
    assert encoded(encoder, COLOURS) == pytest.approx(expected, abs=0.01)


def test_a_grey_picture_gets_the_channel_a_model_asks_for(tmp_path: Path) -> None:
    node = helper.make_node("ReduceMax", ["x"], ["y"], axes=[1, 2], keepdims=0)
    path = saved(tmp_path / "max.onnx", [node], ["n", 1, 6, 6], TensorProto.FLOAT)

    assert encoded(fitted(PICTURES, "image", path=path), PICTURES).shape == (200, 6)


def test_a_text_is_fed_as_its_bytes(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["f", "axis"], ["y"], keepdims=1),
    ]
    axis = [("axis", np.array([1], np.int64))]
    path = saved(tmp_path / "bytes.onnx", nodes, ["n", "t"], TensorProto.INT64, axis)

    encoder = fitted(TEXTS, "text", path=path, length=20)

    expected = [[sum(text.encode()[:20])] for text in TEXTS]
    assert encoded(encoder, TEXTS).tolist() == expected


def test_a_stored_encoder_needs_no_file(layer: Path, tmp_path: Path) -> None:
    path = tmp_path / "moved.onnx"
    path.write_bytes(layer.read_bytes())
    rows = Columns.of(x=PICTURES)
    model = ModelSettings.model_validate(
        {
            "features": {"x": {"kind": "image", "encode": {"onnx": {"path": str(path)}}}},
            "detectors": {"drift": {}},
        }
    )
    fitted_now = fit(rows, model)
    fitted_now.save(tmp_path / "fitted.npz")
    path.unlink()

    loaded = Fitted.load(tmp_path / "fitted.npz")

    assert loaded.plan == fitted_now.plan
    assert loaded.index(rows).cells.tolist() == fitted_now.index(rows).cells.tolist()
    again = unpack_column(fitted_now.encoding.columns["x"].pack())
    assert again.names == fitted_now.columns


def test_a_file_with_another_hash_is_refused(layer: Path) -> None:
    right = hashlib.sha256(layer.read_bytes()).hexdigest()
    fitted(PICTURES, "image", path=layer, sha256=right.upper())

    with pytest.raises(ArtifactError, match=f"has sha256 {right}, expected 00"):
        fitted(PICTURES, "image", path=layer, sha256="00")


def test_what_is_no_model_or_does_not_fit_is_refused_by_name(layer: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"broken")
    with pytest.raises(ArtifactError, match=r"not a readable \.onnx file"):
        fitted(PICTURES, "image", path=tmp_path / "broken.onnx")
    with pytest.raises(ArtifactError, match=r"none\.onnx cannot be read"):
        fitted(PICTURES, "image", path=tmp_path / "none.onnx")
    with pytest.raises(DataMismatch, match=r"'x': the onnx encoder refused a row as .*48"):
        fitted(COLOURS, "image", path=layer)
    with pytest.raises(ConfigError, match=r"no output 'z'; there are \['y'\]"):
        fitted(PICTURES, "image", path=layer, output="z")
    with pytest.raises(ConfigError, match="takes float32; of a text it can have strings"):
        fitted(TEXTS, "text", path=layer)


def test_no_detector_imports_onnxruntime_by_itself() -> None:
    code = "import sys, sidelight_detectors.fitted; sys.exit('onnxruntime' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_text_is_fed_as_tokens_where_a_tokenizer_is_named(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, "good": 1, "bad": 2, "film": 3}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    table = RNG.normal(size=(4, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["y"])],
        "embedding",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "e.onnx")
    texts = np.array(["good film", "bad film", "good", "strange"] * 10, object)

    encoder = fitted(
        texts, "text", path=tmp_path / "e.onnx", tokenizer=tmp_path / "tokenizer.json", length=2
    )

    expected = [table[[1, 3]].mean(0), table[[2, 3]].mean(0), table[1], table[0]]
    assert encoded(encoder, texts)[:4] == pytest.approx(np.array(expected), abs=1e-4)
    again = unpack_column(encoder.pack())
    assert encoded(again, texts).tobytes() == encoded(encoder, texts).tobytes()
    assert np.isfinite(encoded(encoder, ["\ud800", ""])[0]).all()
