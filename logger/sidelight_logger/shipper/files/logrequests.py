"""Events as KServe's agent stores them: its ``LogRequest``, as a JSON object or as flat columns.

Source: kserve/kserve ``pkg/logger/types.go``, ``marshaller_record.go``; `url.URL` as Go's
``encoding/json`` writes it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import orjson

from sidelight.config.settings import SinkSettings
from sidelight.errors import MalformedPayload
from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import CloudEvent
from sidelight.events.times import rfc3339
from sidelight_logger.shipper.routes import place_of

COLUMNS = (
    *("url", "bytes", "contentType", "reqType", "id", "sourceUri", "inferenceService"),
    *("namespace", "component", "endpoint", "metadata", "annotations", "certName"),
    "tlsSkipVerify",
)
"""Of CSV and Parquet, which lack ``occurrenceTime``; all are text but the last."""

_PATH = "/-._~!$&'()*+,;=:@"
"""What Go leaves as it is in a path."""


def nested(event: CloudEvent, sink: SinkSettings) -> dict[str, Any]:
    """The JSON object; as with KServe, what is empty is not there."""
    fields = flat(event, sink)
    for name in ("url", "sourceUri"):
        fields[name] = _url(fields[name])
    for name in ("metadata", "annotations"):
        fields[name] = _object(name, fields[name])
    kept = {name: value for name, value in fields.items() if value or name == "bytes"}
    return {**kept, "occurrenceTime": rfc3339(event.time_ns or 0)}


def flat(event: CloudEvent, sink: SinkSettings) -> dict[str, Any]:
    """The columns, in the order of `COLUMNS`."""
    texts = {name: text_of(value) for name, value in event.extensions.items()}
    return {
        "url": place_of(sink.url),
        "bytes": base64.b64encode(event.data or b"").decode(),
        "contentType": event.datacontenttype or "",
        "reqType": event.type,
        "id": event.id,
        "sourceUri": event.source,
        "inferenceService": texts.get("inferenceservicename", ""),
        "namespace": texts.get("namespace", ""),
        "component": texts.get("component", ""),
        "endpoint": texts.get("endpoint", ""),
        "metadata": texts.get("metadata", ""),
        "annotations": texts.get("annotations", ""),
        "certName": sink.ca_file.name if sink.ca_file else "",
        "tlsSkipVerify": not sink.verify,
    }


def _object(name: str, text: str) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text or b"{}")
    except orjson.JSONDecodeError as exc:
        raise MalformedPayload(f"not JSON: {exc}", where=name) from exc
    if not isinstance(found, dict):
        raise MalformedPayload("is no JSON object", where=name)
    return found


def _url(text: str) -> Mapping[str, Any]:
    parts = urlsplit(text)
    is_opaque = bool(parts.scheme and not parts.netloc and not parts.path.startswith("/"))
    path = "" if is_opaque else unquote(parts.path)
    return {
        "Scheme": parts.scheme,
        "Opaque": parts.path if is_opaque else "",
        "User": {} if "@" in parts.netloc else None,
        "Host": parts.netloc.rpartition("@")[2],
        "Path": path,
        "Fragment": unquote(parts.fragment),
        "RawQuery": parts.query,
        "RawPath": "" if is_opaque or quote(path, safe=_PATH) == parts.path else parts.path,
        "RawFragment": "",
        "ForceQuery": text.endswith("?"),
        "OmitHost": False,
    }
