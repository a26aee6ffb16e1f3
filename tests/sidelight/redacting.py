"""Rows in every form that a model server is sent, and the rules that hide parts of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from sidelight.config.capturing.redact import RedactSettings
from sidelight.events.exchange import Body
from sidelight.protocols import v2, v2_binary, v2_grpc
from sidelight.protocols.grpc.frames import framed
from sidelight.redaction import Rules, rules_of
from sidelight.tensors import Column, Columns

JSON = "application/json"
FEATURES = ("age", "card", "city", "income")
OUTPUTS = ("label",)

Row = dict[str, Any]


def rules(folder: Path | None = None, **said: Any) -> Rules:
    """Of a model whose columns are declared; a key lies in `folder`."""
    if folder is not None:
        key = folder / "key"
        key.write_bytes(b"0123456789abcdef")
        said["key_file"] = key
    only_named = said.pop("only_named", False)
    inputs, outputs = said.pop("inputs", FEATURES), said.pop("outputs", OUTPUTS)
    wide = said.pop("wide", ())
    settings = RedactSettings.model_validate(said)
    return rules_of([settings], inputs, outputs, wide=wide, only_named=only_named)


def body(content: bytes, content_type: str = JSON, json_length: int | None = None) -> Body:
    return Body(content, content_type, "", json_length, len(content))


def json_body(document: Any) -> Body:
    return body(orjson.dumps(document))


def columns(rows: list[Row]) -> Columns:
    """Numbers as doubles, texts as objects."""
    found = []
    for name in rows[0]:
        cells = [row[name] for row in rows]
        is_text = isinstance(cells[0], str)
        values = np.array(cells, object if is_text else np.float64)
        found.append(Column(name, values))
    return Columns(tuple(found))


def forms(rows: list[Row]) -> dict[str, tuple[str, Body]]:
    """The rows in each form of each protocol: protocol and body."""
    table, names = columns(rows), list(rows[0])
    lists = [[row[name] for name in names] for row in rows]
    binary = v2_binary.encode_request(table)
    binary_body = body(binary.content, v2_binary.CONTENT_TYPE, binary.json_length)
    raw = v2_grpc.encode_request(table, "m", contents="raw")
    typed = v2_grpc.encode_request(table, "m", contents="typed")
    by_column = {name: [row[name] for row in rows] for name in names}
    return {
        "v1 objects": ("v1", json_body({"instances": rows})),
        "v1 lists": ("v1", json_body({"instances": lists})),
        "v1 columns": ("v1", json_body({"inputs": by_column})),
        "v2 json": ("v2", body(v2.encode_request(table))),
        "v2 binary": ("v2", binary_body),
        "grpc raw": ("grpc", body(framed(raw), "application/grpc")),
        "grpc typed": ("grpc", body(typed, "application/grpc")),
    }


def matrices(rows: list[list[float]]) -> dict[str, tuple[str, Body]]:
    """Numbers side by side in one tensor, in each form."""
    one = Columns((Column("input-0", np.array(rows)),))
    binary = v2_binary.encode_request(one)
    message = v2_grpc.encode_request(one, "m")
    return {
        "v1": ("v1", json_body({"instances": rows})),
        "v2 json": ("v2", body(v2.encode_request(one))),
        "v2 binary": ("v2", body(binary.content, "", binary.json_length)),
        "grpc": ("grpc", body(message, "application/grpc")),
    }


def decoded(protocol: str, kept: Body) -> Columns:
    """As detectors read it."""
    from sidelight.protocols import v1
    from sidelight.protocols.bodies import message_bytes
    from sidelight.protocols.limits import DEFAULT_LIMITS

    if protocol == "v1":
        return v1.decode_request(kept.content)
    if protocol == "v2":
        return v2_binary.decode_request(kept.content, kept.json_length)
    return v2_grpc.decode_request(message_bytes(kept, DEFAULT_LIMITS)[0])
