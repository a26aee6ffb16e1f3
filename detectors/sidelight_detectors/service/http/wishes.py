"""What a sender may choose: by header as with Seldon's server, by query, or in V2's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight.errors import MalformedPayload
from sidelight_detectors.service.http.answers import Wish

HEADERS = {
    "detector": "sidelight-detector",
    "return_instance_score": "alibi-detect-return-instance-score",
    "return_feature_score": "alibi-detect-return-feature-score",
    "outlier_type": "alibi-detect-outlier-type",
}
"""The header of each choice; its own name is that of the query and of V2's parameter."""

_SWITCHES = {"true": True, "false": False, True: True, False: False}


def chosen(headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
    """The choices of a request; the query beats the headers."""
    by_header = {name: headers[header] for name, header in HEADERS.items() if header in headers}
    return by_header | {name: query[name] for name in HEADERS if name in query}


def wish_of(choices: Mapping[str, Any]) -> Wish:
    """Raises `MalformedPayload` for a choice there is not; what is no choice is left alone."""
    kind = choices.get("outlier_type", "instance")
    if kind != "instance":
        raise MalformedPayload(
            f"{str(kind)[:40]!r}; rows are flagged as a whole, send 'instance' and read "
            "feature_score",
            where="outlier_type",
        )
    detector = choices.get("detector", "")
    if not isinstance(detector, str):
        raise MalformedPayload("send a detector's name", where="detector")
    return Wish(
        detector,
        _switch(choices, "return_instance_score"),
        _switch(choices, "return_feature_score"),
    )


def _switch(choices: Mapping[str, Any], name: str) -> bool:
    said = choices.get(name, True)
    key = said.strip().lower() if isinstance(said, str) else said
    if not isinstance(key, str | bool) or key not in _SWITCHES:
        raise MalformedPayload(f"{str(said)[:40]!r}; send true or false", where=name)
    return _SWITCHES[key]
