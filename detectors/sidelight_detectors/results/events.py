"""Results and alarms as CloudEvents; data keeps alibi-detect's ``{"data": ..., "meta": ...}``.

The bytes depend on the value alone (no clock, no host), so a result written again after a crash is
the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from sidelight import __version__
from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent
from sidelight.events.records import from_record, to_record
from sidelight.log import Address, Record
from sidelight_detectors.results.alarms import alarm_data, alarm_of
from sidelight_detectors.results.findings import (
    VERSIONS,
    Alarm,
    AttackResult,
    ComparisonResult,
    DriftResult,
    OutlierResult,
    Output,
    PromiseResult,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.results.rows import attack_data, attack_of, outlier_data, outlier_of
from sidelight_detectors.results.windows import (
    about_of,
    comparison_data,
    comparison_of,
    drift_data,
    drift_of,
    unjudged_data,
    unjudged_of,
    window_data,
    window_of,
)

DRIFT_TYPE = "io.sidelight.result.drift.v1"
WINDOW_TYPE = "io.sidelight.result.window.v1"
COMPARISON_TYPE = "io.sidelight.result.comparison.v1"
UNJUDGED_TYPE = "io.sidelight.result.unjudged.v1"
OUTLIER_TYPE = "io.sidelight.result.outlier.v1"
ATTACK_TYPE = "io.sidelight.result.attack.v1"
PROMISE_TYPE = "io.sidelight.result.promise.v1"
ALARM_TYPE = "io.sidelight.alarm.v1"

SOURCE = "/sidelight/detectors"

Json = Mapping[str, Any]


def output_record(output: Output) -> Record:
    """The log record of a result or alarm, keyed by its id."""
    return to_record(output_event(output), output.id.encode())


def output_event(output: Output) -> CloudEvent:
    match output:
        case DriftResult():
            data, time_ns = drift_data(output), output.seen.last_ns
            return _event(output, DRIFT_TYPE, time_ns, "drift", data)
        case WindowResult():
            data, time_ns = window_data(output), output.seen.last_ns
            return _event(output, WINDOW_TYPE, time_ns, output.detector, data)
        case ComparisonResult():
            data, time_ns = comparison_data(output), output.seen.last_ns
            return _event(output, COMPARISON_TYPE, time_ns, VERSIONS, data)
        case UnjudgedResult():
            data, time_ns = unjudged_data(output), output.seen.last_ns
            return _event(output, UNJUDGED_TYPE, time_ns, output.detector, data)
        case OutlierResult():
            data = outlier_data(output)
            return _event(output, OUTLIER_TYPE, output.time_ns, output.detector, data)
        case AttackResult():
            data = attack_data(output)
            return _event(output, ATTACK_TYPE, output.last_ns, output.detector, data)
        case PromiseResult():
            return _event(output, PROMISE_TYPE, output.time_ns, "promise", _promise_data(output))
        case Alarm():
            data = alarm_data(output)
            return _event(output, ALARM_TYPE, output.time_ns, output.detector, data)


def output_of(record: Record) -> Output:
    """The result or alarm a record holds; `MalformedPayload` when it is none of ours."""
    event = from_record(record)
    reader = _READERS.get(event.type)
    if reader is None:
        raise MalformedPayload(f"{event.type!r} is none of {sorted(_READERS)}", where="type")
    try:
        body = orjson.loads(event.data or b"")
        return reader(event, body["meta"], body["data"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
        raise MalformedPayload(f"not a {event.type} ({exc!r})", where="data") from exc


def _event(output: Output, type_: str, time_ns: int, detector: str, data: Json) -> CloudEvent:
    meta = {
        "name": _NAMES.get(detector, detector),
        "detector_type": detector,
        "data_type": "tabular",
        "version": __version__,
        "model": output.about.model,
        "model_version": output.about.version,
        "plan": output.about.plan,
        "segment": output.about.segment,
        "against": output.about.against,
    }
    extensions = {"modelname": output.about.model, "plan": output.about.plan}
    if output.about.version:
        extensions["modelversion"] = output.about.version
    return CloudEvent(
        id=output.id,
        source=SOURCE,
        type=type_,
        time_ns=time_ns,
        datacontenttype="application/json",
        subject=output.about.model,
        extensions=extensions,
        data=orjson.dumps({"data": data, "meta": meta}),
    )


_NAMES = {
    "drift": "CellDrift",
    "versions": "VersionDrift",
    "outlier": "RowOutlier",
    "promise": "Plan",
    "adversarial": "QueryAttacks",
}


def _promise_data(result: PromiseResult) -> Json:
    return {"promise": result.text, "begins_at": str(result.begins_at)}


def _read_promise(event: CloudEvent, meta: Json, data: Json) -> PromiseResult:
    begins_at = Address.parse(data["begins_at"])
    return PromiseResult(event.id, about_of(meta), begins_at, event.time_ns or 0, data["promise"])


_READERS: Mapping[str, Callable[[CloudEvent, Json, Json], Output]] = {
    DRIFT_TYPE: lambda event, meta, data: drift_of(event.id, about_of(meta), data),
    WINDOW_TYPE: lambda event, meta, data: window_of(event.id, meta, data),
    COMPARISON_TYPE: lambda event, meta, data: comparison_of(event.id, about_of(meta), data),
    UNJUDGED_TYPE: lambda event, meta, data: unjudged_of(event.id, meta, data),
    OUTLIER_TYPE: outlier_of,
    ATTACK_TYPE: lambda event, meta, data: attack_of(event.id, meta, data),
    PROMISE_TYPE: _read_promise,
    ALARM_TYPE: alarm_of,
}
