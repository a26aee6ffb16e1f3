"""Traffic for the tests of the service: a small model, its reference, exchanges of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.config.settings import ModelSettings
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.log import Record
from sidelight.tensors import Columns
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.streaming.plan import Plan

MODEL = "income"
SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
PATH = f"/v2/models/{MODEL}/infer"


def settings(**drift: Any) -> ModelSettings:
    """Two features and one output; `drift` overrides the drift detector's settings.

    Alarms are raised by windows unless `alarm` names another rule.
    """
    alarm = {"rule": "windows", **drift.pop("alarm", {})}
    return ModelSettings.model_validate(
        {
            "features": {"age": "numeric", "sex": {"categories": ["f", "m"]}},
            "outputs": {"score": "numeric"},
            "detectors": {
                "drift": {"window": 100, "alarm": alarm, **drift},
                "outlier": {"rate": 0.02},
            },
        }
    )


def rows(count: int, seed: int, shift: float = 0.0) -> Columns:
    """Rows with their answers; `shift` moves the ages by so many standard deviations."""
    random = np.random.RandomState(seed)
    age = (random.normal(40 + 10 * shift, 10, count)).round(2)
    sex = np.where(random.uniform(size=count) < 0.4, "f", "m").astype(object)
    return Columns.of(age=age, sex=sex, score=(age / 100 + random.normal(0, 0.1, count)).round(4))


_FITTED: dict[str, Fitted] = {}


def plan(service: DetectorsSettings | None = None, model: str = MODEL, **drift: Any) -> Plan:
    """The plan of `settings(**drift)` on 2000 reference rows."""
    asked = settings(**drift)
    key = asked.model_dump_json()
    if key not in _FITTED:
        _FITTED[key] = fit(rows(2000, seed=1), asked)
    return Plan(model, _FITTED[key], service or DetectorsSettings())


def exchange(part: Columns, number: int = 0, **changed: Any) -> Exchange:
    """A V2 call with these rows as inputs and their scores as the answer."""
    fields: dict[str, Any] = {
        "id": f"exchange-{number:06d}",
        "source": "/test",
        "time_ns": START_NS + number * SECOND,
        "duration_ns": 1000,
        "method": "POST",
        "path": PATH,
        "protocol": "v2",
        "model": MODEL,
        "version": "",
        "status": 200,
        "outcome": "answered",
        "request": json_body({"inputs": [_tensor(part, "age"), _tensor(part, "sex")]}),
        "response": json_body({"model_name": MODEL, "outputs": [_tensor(part, "score")]}),
    }
    return Exchange(**{**fields, **changed})


def record(part: Columns, number: int = 0, **changed: Any) -> Record:
    return to_record(exchange(part, number, **changed))


def traffic(
    columns: Columns, per_exchange: int = 1, first: int = 0, **changed: Any
) -> list[Record]:
    """The rows in exchanges of `per_exchange`, a second apart."""
    starts = range(0, len(columns), per_exchange)
    return [
        record(columns.take(slice(start, start + per_exchange)), first + number, **changed)
        for number, start in enumerate(starts)
    ]


def json_body(document: Any) -> Body:
    content = orjson.dumps(document)
    return Body(content, "application/json", size=len(content))


def _tensor(part: Columns, name: str) -> dict[str, Any]:
    values: Sequence[Any] = part[name].values.tolist()
    datatype = "BYTES" if name == "sex" else "FP64"
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": values}
