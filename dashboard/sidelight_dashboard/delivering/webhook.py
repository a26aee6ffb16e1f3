"""A change of an alarm as a CloudEvent in JSON, for any receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson

from sidelight.events import CloudEvent
from sidelight.events.structured import ONE, to_json
from sidelight_dashboard.delivering.notice import Notice
from sidelight_dashboard.times import iso

TYPE = "io.sidelight.alarm.told.v1"


class Webhook:
    """Each change is posted once, by itself; who gets one twice knows it by its id."""

    path = ""
    content_type = ONE
    most = 1
    again_seconds: float | None = None

    def body(self, notices: Sequence[Notice], now_ns: int) -> bytes:
        (notice,) = notices
        return to_json(event_of(notice))


def event_of(notice: Notice) -> CloudEvent:
    """`time` is when the detector saw the change; the id says which alarm and which change."""
    cleared_ns = notice.cleared_ns
    told = asdict(notice) | {
        "summary": notice.summary,
        "raised": iso(notice.raised_ns),
        "cleared": None if cleared_ns is None else iso(cleared_ns),
    }
    place, _, _ = notice.url.rpartition("/alarms/")
    return CloudEvent(
        id=f"{notice.alarm}-{notice.state}",
        source=f"{place}/",
        type=TYPE,
        time_ns=notice.raised_ns if cleared_ns is None else cleared_ns,
        datacontenttype="application/json",
        subject=notice.model,
        extensions={
            "modelname": notice.model,
            "modelversion": notice.version,
            "detector": notice.detector,
        },
        data=orjson.dumps(told),
    )
