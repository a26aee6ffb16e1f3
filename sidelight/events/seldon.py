"""What Seldon Core 1 logs, in KServe's terms: as CloudEvents, or straight to Kafka.

Every event of its own has an id of its own; what request and response share is `requestid`.
Source: SeldonIO/seldon-core 1.17.1 ``executor/logger/worker.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sidelight.events.attributes import text_of
from sidelight.events.cloudevent import Attribute, CloudEvent
from sidelight.events.kserve import REQUEST_TYPE, RESPONSE_TYPE

FEEDBACK_TYPE = "io.seldon.serving.feedback"
TYPES = {
    "io.seldon.serving.inference.request": REQUEST_TYPE,
    "io.seldon.serving.inference.response": RESPONSE_TYPE,
}
"""Seldon's types of halves, and KServe's for the same."""

_PROTOCOLS = {"tensorflow": "v1", "v2": "v2", "kfserving": "v2"}
_NAMES = ("modelid", "requestid", "inferenceservicename", "namespace", "endpoint", "protocol")


def is_direct(headers: Mapping[str, str]) -> bool:
    """Whether a Kafka record with these headers is of Seldon's own form, which is no CloudEvent."""
    return headers.get("type") in (*TYPES, FEEDBACK_TYPE)


def from_direct(headers: Mapping[str, str], value: bytes) -> CloudEvent:
    """The event that Seldon's own form stands for; it has no id or source, so they are made up."""
    names: dict[str, Attribute] = {name: headers[name] for name in _NAMES if name in headers}
    place = (headers.get("namespace", ""), headers.get("inferenceservicename", ""))
    return CloudEvent(
        id=headers.get("requestid", ""),
        source="/seldon/" + "/".join(place),
        type=headers["type"],
        datacontenttype=headers.get("content-type", ""),
        extensions=names,
        data=value or None,
    )


def to_kserve(event: CloudEvent) -> CloudEvent:
    """One of Seldon's halves as KServe would have sent it."""
    extensions = dict(event.extensions)
    spoken = text_of(extensions.pop("protocol", ""))
    extensions["protocol"] = _PROTOCOLS.get(spoken, "")
    if model := extensions.pop("modelid", ""):
        extensions["modelname"] = model
    pair_id = text_of(extensions.pop("requestid", "")) or event.id
    return replace(event, id=pair_id, type=TYPES[event.type], extensions=extensions)
