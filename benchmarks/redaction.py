"""What redaction costs the recorder: ``python -m benchmarks.redaction``.

CPU microseconds of one body, by form and rule, in one thread: the best of five runs.
"""

from __future__ import annotations

import tempfile
import time
import timeit
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from sidelight.config.capturing.redact import RedactSettings
from sidelight.events.exchange import Body
from sidelight.protocols import v2, v2_binary, v2_grpc
from sidelight.protocols.grpc.frames import framed
from sidelight.redaction import Rules, redacted, rules_of
from sidelight.tensors import Column, Columns

NAMES = tuple(f"c{n}" for n in range(12))
RULES: dict[str, dict[str, Any]] = {
    "drop a column": {"columns": {"c1": "drop"}},
    "hash a column": {"columns": {"c1": "hash"}},
    "bucket a column": {"columns": {"c1": {"bucket": 10}}},
    "one pattern": {"patterns": ["[0-9]{4}(-[0-9]{4}){3}"]},
    "one path": {"paths": ["$.parameters.user"]},
}


def rows(count: int) -> Columns:
    """Twelve columns: eleven of numbers, one of texts."""
    numbers = np.random.default_rng(7).normal(size=(count, 11)).round(3)
    texts = np.array([f"customer {n}" for n in range(count)], object)
    found = [Column(name, numbers[:, n]) for n, name in enumerate(NAMES[:11])]
    return Columns((*found, Column(NAMES[11], texts)))


def bodies() -> dict[str, tuple[str, Body]]:
    one, hundred = rows(1), rows(100)
    lists = [[column.values.tolist()[n] for column in hundred] for n in range(100)]
    binary = v2_binary.encode_request(hundred)
    picture = Columns((Column("c0", np.zeros((1, 3, 224, 224), np.float32)),))
    image = v2_binary.encode_request(picture)
    return {
        "v1 lists, 100 rows": ("v1", _body(orjson.dumps({"instances": lists}))),
        "v2 json, 1 row": ("v2", _body(v2.encode_request(one))),
        "v2 json, 100 rows": ("v2", _body(v2.encode_request(hundred))),
        "v2 binary, 100 rows": ("v2", _body(binary.content, binary.json_length)),
        "v2 binary, an image": ("v2", _body(image.content, image.json_length)),
        "grpc raw, 100 rows": ("grpc", _grpc(v2_grpc.encode_request(hundred, "m"))),
    }


def main() -> None:
    names = ("form", "bytes", *RULES)
    print("".join(f"{name:>22}" for name in names))
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        key.write_bytes(b"0123456789abcdef")
        every = {name: _rules(said, key) for name, said in RULES.items()}
        for form, (protocol, body) in bodies().items():
            told = [f"{form:>22}{len(body.content):>22,}"]
            for wanted in every.values():
                known = protocol != "grpc" or not wanted.paths
                told.append(f"{_micros(body, protocol, wanted) if known else '-':>22}")
            print("".join(told))


def _rules(said: dict[str, Any], key: Path) -> Rules:
    return rules_of(
        [RedactSettings.model_validate({**said, "key_file": key})], NAMES, ("y",), wide=("c0",)
    )


def _micros(body: Body, protocol: str, wanted: Rules) -> str:
    timer = timeit.Timer(
        lambda: redacted(body, protocol, "inputs", wanted), timer=time.process_time
    )
    number, _ = timer.autorange()
    number = max(1, number // 10)
    return f"{min(timer.repeat(5, number)) / number * 1e6:,.0f}"


def _body(content: bytes, json_length: int | None = None) -> Body:
    return Body(content, "", "", json_length, len(content))


def _grpc(message: bytes) -> Body:
    content = framed(message)
    return Body(content, "application/grpc", "", None, len(content))


if __name__ == "__main__":
    main()
