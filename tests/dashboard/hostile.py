"""A model whose names and values try to be markup, scripts, colours and ends of lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sidelight.log import Record
from sidelight.tensors import Columns
from sidelight_dashboard.showing import Showing
from tests.dashboard.filled import filled, settings_of
from tests.detectors.traffic import json_body, record, rows

BAD = "</script><script>document.title='taken'</script><img src=http://x.invalid/>\"'\u2028$alarm"
COLUMN, OTHER = f"c{BAD}", f"d{BAD}"
VALUES = (f"f{BAD}", f"m{BAD}")
VERSION = "2</title><script>document.title='taken'</script>"


def people(count: int, seed: int, shift: float = 0.0) -> Columns:
    """As `traffic.rows`, under those names."""
    told = rows(count, seed, shift)
    value = np.where(told["sex"].values == "f", *VALUES).astype(object)
    return Columns.of(**{COLUMN: told["age"].values, OTHER: value, "score": told["score"].values})


def asked(told: Columns, first: int, **changed: Any) -> list[Record]:
    """In exchanges of ten rows."""
    parts = [told.take(slice(start, start + 10)) for start in range(0, len(told), 10)]
    return [
        record(rows(1, 0), first + number, **_bodies(part), **changed)
        for number, part in enumerate(parts)
    ]


def _bodies(part: Columns) -> dict[str, Any]:
    inputs = [_tensor(part, COLUMN, "FP64"), _tensor(part, OTHER, "BYTES")]
    return {
        "request": json_body({"inputs": inputs}),
        "response": json_body({"outputs": [_tensor(part, "score", "FP64")]}),
    }


def _tensor(part: Columns, name: str, datatype: str) -> dict[str, Any]:
    values = part[name].values.tolist()
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}


@contextmanager
def hostile(folder: Path) -> Iterator[Showing]:
    """Its second version drifts."""
    model = {
        "features": {COLUMN: "numeric", OTHER: {"categories": list(VALUES)}},
        "glossary": {
            COLUMN: {"name": f"age {BAD}"},
            OTHER: {"values": {VALUES[0]: f"woman {BAD}"}},
        },
    }
    records = [
        *asked(people(300, seed=2), 0, version="1"),
        *asked(people(300, seed=3, shift=1.5), 30, version=VERSION),
    ]
    with filled(folder, records, settings_of(folder, people(2000, seed=1), model)) as showing:
        yield showing
