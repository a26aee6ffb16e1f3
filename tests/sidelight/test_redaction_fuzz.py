"""Bodies that are nearly right: redacted or refused, never another error that ends the recorder."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sidelight.events.exchange import Body
from sidelight.redaction import Rules, Unredactable, redacted
from tests.sidelight.redacting import FEATURES, body, forms, json_body, rules

SECRET = "4111-1111-1111-1111"
ROWS: list[dict[str, Any]] = [
    {"age": 43.0, "card": SECRET, "city": "Ulm", "income": 1.5},
    {"age": 71.0, "card": SECRET, "city": "B", "income": 7.0},
]
NAMES: tuple[str, ...] = (
    "age",
    "card",
    "name",
    "shape",
    "data",
    "inputs",
    "outputs",
    "parameters",
    "b64",
)
NAMES += ("datatype", "binary_data_size", "content_type")
LEAVES: tuple[Any, ...] = (None, True, 0, -1, 2**63 - 1, -(2**63), 2**64 - 1, 1e308, 1e-300, "")
LEAVES += (SECRET, "\0", [], {}, {"b64": "x"}, {"b64": 5}, [[]], [None], {"age": SECRET}, *NAMES)
TENSORS: list[dict[str, Any]] = [
    {"name": "age", "shape": [2], "datatype": "FP32", "data": [43, 71]},
    {
        "name": "card",
        "shape": [2, 1],
        "datatype": "BYTES",
        "data": [SECRET, SECRET],
        "parameters": {"content_type": "base64"},
    },
    {"name": "x", "shape": [1, 4], "datatype": "INT64", "data": [1, 2, 3, 4]},
]
DOCUMENTS: tuple[tuple[str, Any], ...] = (
    ("v1", {"instances": ROWS}),
    ("v1", {"instances": [list(row.values()) for row in ROWS]}),
    ("v1", {"inputs": {"age": [1, 2], "card": [SECRET, SECRET]}}),
    ("v1", {"predictions": [1, 2]}),
    ("v2", {"inputs": TENSORS, "outputs": [{"name": "y"}], "parameters": {"a": 1}}),
    ("", {"messages": [{"content": SECRET}]}),
)


def every_rule(folder: Path) -> list[Rules]:
    actions = (
        ("hash", {"bucket": 10}),
        ("drop", "hash"),
        ({"mask": "4111"}, "drop"),
        ({"bucket": [0, 5]}, {"mask": "4"}),
    )
    return [
        rules(
            folder,
            columns={"card": card, "age": age},
            patterns=patterns,
            paths=paths,
            only_named=only_named,
            inputs=inputs,
        )
        for card, age in actions
        for patterns in ([], ["4[0-9]+"])
        for paths in ([], ["$..data", "$.instances[0]"])
        for only_named in (False, True)
        for inputs in (FEATURES, (), ("age",))
    ]


def mutated(node: Any, chance: random.Random) -> Any:
    if chance.random() < 0.06:
        return chance.choice(LEAVES)
    if isinstance(node, dict):
        kept = {k: v for k, v in node.items() if chance.random() > 0.04}
        found = {
            chance.choice(NAMES) if chance.random() < 0.03 else key: mutated(item, chance)
            for key, item in kept.items()
        }
        if chance.random() < 0.05:
            found[chance.choice(NAMES)] = chance.choice(LEAVES)
        return found
    if isinstance(node, list):
        return [mutated(item, chance) for item in node if chance.random() > 0.03]
    return node


def as_binary(document: Any, chance: random.Random) -> Body:
    """With the elements of its tensors behind it, as many bytes as anybody likes."""
    tail = b""
    tensors = document.get("inputs") if isinstance(document, dict) else None
    for tensor in tensors if isinstance(tensors, list) else ():
        if isinstance(tensor, dict):
            size = chance.choice([0, 4, 8, 16, 23, 32])
            tensor.pop("data", None)
            tensor["parameters"] = {"binary_data_size": size}
            tail += (struct.pack("<I", 4) + b"4111" + bytes(99))[:size]
    head = orjson.dumps(document)
    return body(head + tail, "", chance.choice([len(head), None]))


def damaged(one: Body, chance: random.Random) -> Body:
    content = bytearray(one.content)
    for _ in range(chance.randrange(1, 4)):
        content[chance.randrange(len(content))] = chance.randrange(256)
    return replace(one, content=bytes(content))


def attempt(chance: random.Random, wanted: Rules) -> None:
    if chance.random() < 0.4:
        protocol, one = chance.choice(list(forms(ROWS).values()))
        one = damaged(one, chance)
    else:
        protocol, document = chance.choice(DOCUMENTS)
        document = mutated(orjson.loads(orjson.dumps(document)), chance)
        is_binary = protocol == "v2" and chance.random() < 0.4
        one = as_binary(document, chance) if is_binary else json_body(document)
    try:
        redacted(one, protocol, chance.choice(["inputs", "outputs"]), wanted)
    except Unredactable:
        return


@pytest.mark.parametrize("runs", [600, pytest.param(100_000, marks=pytest.mark.soak)])
def test_what_is_nearly_a_body_is_redacted_or_refused(tmp_path: Path, runs: int) -> None:
    seed = random.SystemRandom().randrange(1 << 32) if runs > 1000 else 7
    print(f"seed {seed}")
    chance, every = random.Random(seed), every_rule(tmp_path)
    for _ in range(runs):
        attempt(chance, chance.choice(every))
