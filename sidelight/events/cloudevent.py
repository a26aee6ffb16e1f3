"""A CloudEvent 1.0 as a frozen value. The wire forms stand beside: `http`, `records`.

Source: CloudEvents specification 1.0.2, section "Context Attributes".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Attribute = str | int | bool
"""What an extension may hold (the specification's String, Integer and Boolean)."""


@dataclass(frozen=True, eq=True)
class CloudEvent:
    """One event: `id` and `source` name it, `type` says what it is, `data` is left as bytes.

    `time_ns` is nanoseconds since 1970 in UTC; None when the sender gave none. `extensions` have
    names of lower-case letters and digits. An attribute that is not set is empty or None.
    """

    id: str
    source: str
    type: str
    time_ns: int | None = None
    datacontenttype: str = ""
    dataschema: str = ""
    subject: str = ""
    extensions: Mapping[str, Attribute] = field(default_factory=dict)
    data: bytes | None = None
