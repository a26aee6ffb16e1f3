"""Flagged rows and attacks as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sidelight.events import CloudEvent
from sidelight.log import Address
from sidelight_detectors.results.findings import AttackResult, OutlierResult, Query
from sidelight_detectors.results.windows import about_of

Json = Mapping[str, Any]


def outlier_data(result: OutlierResult) -> Json:
    return {
        "is_outlier": 1,
        "instance_score": result.score,
        "feature_score": dict(result.contributions),
        "p_val": result.p_value,
        "threshold": result.rate if result.threshold is None else result.threshold,
        "exchange": str(result.address),
        "row": result.row,
        "method": result.method,
        "rate_bound": result.bound,
        "reasons": result.reasons,
    }


def outlier_of(event: CloudEvent, meta: Json, data: Json) -> OutlierResult:
    # JSON has no NaN and writes null; then the threshold is the score's.
    has_p_value = data["p_val"] is not None
    return OutlierResult(
        event.id,
        about_of(meta),
        meta["detector_type"],
        Address.parse(data["exchange"]),
        data["row"],
        event.time_ns or 0,
        data["instance_score"],
        data["p_val"] if has_p_value else math.nan,
        data["threshold"] if has_p_value else math.nan,
        tuple(data["feature_score"].items()),
        data.get("method", ""),
        data.get("rate_bound"),
        tuple(data.get("reasons", ())),
        None if has_p_value else data["threshold"],
    )


def attack_data(result: AttackResult) -> Json:
    return {
        "is_adversarial": 1,
        "text": result.text,
        "episode": result.episode,
        "target": _query_data(result.target),
        "queries": list(map(_query_data, result.queries)),
        "n": result.count,
        "n_expected": result.expected,
        "clients": dict(result.clients),
        "log_evidence": result.evidence,
        "threshold": result.threshold,
        "is_over": result.is_over,
        "promise": result.promise,
        "time_ns": {"from": result.first_ns, "to": result.last_ns},
    }


def attack_of(id_: str, meta: Json, data: Json) -> AttackResult:
    return AttackResult(
        id_,
        about_of(meta),
        meta["detector_type"],
        data["episode"],
        _query_of(data["target"]),
        tuple(map(_query_of, data["queries"])),
        data["n"],
        data["n_expected"],
        tuple(data["clients"].items()),
        data["log_evidence"],
        data["threshold"],
        data["time_ns"]["from"],
        data["time_ns"]["to"],
        data["is_over"],
        data["promise"],
    )


def _query_data(query: Query) -> Json:
    return {"exchange": str(query.address), "row": query.row}


def _query_of(data: Json) -> Query:
    return Query(Address.parse(data["exchange"]), data["row"])
