"""Our bytes are read by other people's decoders to the same arrays, and theirs by ours."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sidelight.protocols import v2_binary, v2_grpc
from sidelight.tensors import Column, Columns
from tests.peers import peer_python
from tests.sidelight.peer_codecs.exchange import Body, given, taken, texts

SCRIPTS = Path(__file__).parent / "peer_codecs"
VALUES: dict[str, NDArray[Any]] = {
    "BOOL": np.array([True, False, True]),
    **{
        f"{kind}INT{bits}": np.array([limits.min, 0, limits.max], limits.dtype)
        for bits in (8, 16, 32, 64)
        for kind in ("U", "")
        for limits in [np.iinfo(f"{kind.lower()}int{bits}")]
    },
    "FP16": np.array([0.1, np.nan, np.inf], np.float16),
    "FP32": np.array([[[0.1, 1e38], [1e-45, -0.0]]] * 3, np.float32),
    "FP64": np.array([0.1, np.nan, -np.inf]),
    "TEXT": np.array([["ü\u20ac", ""], ["a", " "], ["1", "2"]], object),
    "BYTES": np.array([b"\x00\xff", b"", b"a"], object),
}
DATATYPES = {"TEXT": "BYTES"}
BFLOATS = {"name": "BF16", "datatype": "BF16", "shape": [3, 1], "data": [1.5, -2.0, float("inf")]}

BOTH = ("request", "response")
GRPC = tuple(f"{contents} {side}" for contents in ("raw", "typed") for side in BOTH)
BINARY = tuple(f"binary {side}" for side in BOTH)
READ = {
    "mlserver": GRPC,
    "kserve": GRPC + BINARY,
    "tritonclient": ("raw response", "binary response"),
}
WRITTEN = {**READ, "tritonclient": ("raw request", "binary request")}


def pairs(forms: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(peer, form) for peer, these in forms.items() for form in these]


@pytest.mark.parametrize(("peer", "form"), pairs(READ))
def test_a_peer_reads_what_we_write(peer: str, form: str) -> None:
    found = said_by(peer)["read"][READ[peer].index(form)]
    # As text, because not-a-number equals nothing, and to tell the two zeros apart.
    told, wanted = (
        {one["name"]: json.dumps(one) for one in each} for each in (found, tensors(peer, form))
    )
    assert told == wanted


@pytest.mark.parametrize(("peer", "form"), pairs(WRITTEN))
def test_we_read_what_a_peer_writes(peer: str, form: str) -> None:
    body = taken(said_by(peer)["write"][WRITTEN[peer].index(form)])
    found = decoded(form, body)
    values = arrays(peer, form)
    for name, expected in values.items():
        equal(found[name], expected)
    if peer == "tritonclient":
        equal(found["BF16"], np.array(BFLOATS["data"], np.float32))
    assert len(found.names) == len(values) + (peer == "tritonclient")


@pytest.mark.parametrize("peer", ["kserve", "tritonclient"])
def test_we_read_a_binary_body_whose_length_was_lost(peer: str) -> None:
    form = "binary request"
    content, length = taken(said_by(peer)["write"][WRITTEN[peer].index(form)])
    assert length is not None
    whole, found = decoded(form, (content, length)), decoded(form, (content, None))
    for column in whole:
        equal(found[column.name], column.values)


@cache
def said_by(peer: str) -> Any:
    """What the peer found in our bodies, and its own bodies; one process for all of them."""
    more = [BFLOATS] if peer == "tritonclient" else []
    asked = {
        "read": [[form, given(encoded(peer, form))] for form in READ[peer]],
        "write": [[form, tensors(peer, form) + more] for form in WRITTEN[peer]],
    }
    program = [peer_python(peer), SCRIPTS / f"{peer}_codec.py"]
    done = subprocess.run(program, input=json.dumps(asked), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def encoded(peer: str, form: str) -> Body:
    columns = Columns(tuple(Column(name, values) for name, values in arrays(peer, form).items()))
    contents, side = form.split()
    if contents == "binary":
        write = v2_binary.encode_request if side == "request" else v2_binary.encode_response
        body = write(columns)
        return body.content, body.json_length
    how: v2_grpc.Contents = "raw" if contents == "raw" else "typed"
    if side == "request":
        return v2_grpc.encode_request(columns, "m", contents=how), None
    return v2_grpc.encode_response(columns, how), None


def decoded(form: str, body: Body) -> Columns:
    contents, side = form.split()
    if contents == "binary":
        read = v2_binary.decode_request if side == "request" else v2_binary.decode_response
        return read(*body)
    if side == "request":
        return v2_grpc.decode_request(body[0])
    return v2_grpc.decode_response(body[0])


def arrays(peer: str, form: str) -> dict[str, NDArray[Any]]:
    """What the form carries: gRPC's typed contents no FP16, KServe's REST no bytes but text."""
    lacking = {"typed": "FP16", "binary": "BYTES" if peer == "kserve" else ""}.get(form.split()[0])
    return {name: values for name, values in VALUES.items() if name != lacking}


def tensors(peer: str, form: str) -> list[dict[str, Any]]:
    """The arrays as the peers' scripts say them."""
    return [
        {
            "name": name,
            "datatype": DATATYPES.get(name, name),
            "shape": shape(values),
            "data": cells(values),
        }
        for name, values in arrays(peer, form).items()
    ]


def shape(values: NDArray[Any]) -> list[int]:
    return [*values.shape, 1] if values.ndim == 1 else list(values.shape)


def cells(values: NDArray[Any]) -> list[Any]:
    return texts(values.ravel().tolist())


def equal(column: Column, expected: NDArray[Any]) -> None:
    assert column.values.dtype == expected.dtype, column.name
    np.testing.assert_array_equal(column.values, expected, err_msg=column.name)
