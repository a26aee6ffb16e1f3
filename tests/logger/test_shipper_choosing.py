"""Which records a sink is meant to get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from sidelight.config.capturing.sinks import OnlySettings
from sidelight.events import CloudEvent, records
from sidelight.events.exchanges import from_record, to_record
from sidelight.log.contract import Record
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.carrying.choosing import chosen, with_events
from tests.logger.captures import capture


def record(path: str = "/v2/models/income/infer", **settings: Any) -> Record:
    exchange = describe(capture(path, **settings), 1, Origin("/test", "me"))
    assert exchange is not None
    return to_record(exchange)


def told(record: Record, **only: Any) -> str:
    return chosen(OnlySettings(**only))(record)


@pytest.mark.parametrize(
    ("only", "reason"),
    [
        ({}, ""),
        ({"models": ("income",)}, ""),
        ({"models": ("other", "inc*")}, ""),
        ({"models": ("Income",)}, "filtered"),
        ({"statuses": ("200",)}, ""),
        ({"statuses": ("4xx", "2xx")}, ""),
        ({"statuses": ("4xx", "none")}, "filtered"),
        ({"protocols": ("v2",)}, ""),
        ({"protocols": ("v1", "grpc", "none")}, "filtered"),
        ({"sample": 0.0}, "sampled"),
        ({"sample": 0.0, "models": ("other",)}, "filtered"),
    ],
)
def test_what_is_not_asked_for_is_left_out(only: dict[str, Any], reason: str) -> None:
    assert told(record(), **only) == reason


def test_what_has_no_answer_and_no_protocol_is_asked_for_by_none() -> None:
    silent = record(answer=None, outcome="unanswered")
    assert told(silent, statuses=("none",)) == ""
    assert told(silent, statuses=("2xx", "5xx")) == "filtered"
    assert told(record("/anything"), protocols=("none",)) == ""


def test_feedback_goes_where_its_model_goes() -> None:
    feedback = CloudEvent("f1", "/c", "feedback", extensions={"modelname": "income"}, data=b"1")
    one = records.to_record(feedback, b"some id")
    assert told(one, models=("income",), statuses=("5xx",), protocols=("grpc",)) == ""
    assert told(one, models=("other",)) == "filtered"


def test_a_share_is_kept_and_a_larger_one_holds_it() -> None:
    one = record()
    ids = [b"%032x" % number for number in range(5000)]
    tenth = {id_ for id_ in ids if not told(replace(one, key=id_), sample=0.1)}
    half = {id_ for id_ in ids if not told(replace(one, key=id_), sample=0.5)}
    assert tenth < half
    assert abs(len(tenth) - 500) < 4 * 21.3  # standard deviations of a binomial count


def test_what_makes_no_event_in_kserves_form_is_left_out() -> None:
    """Bodies that policy kept away; a request that had none is told."""
    choice = with_events(chosen(OnlySettings()))
    exchange = from_record(record())
    away = replace(exchange.request, content=b"")
    bodiless = replace(exchange, request=away, response=replace(exchange.response, content=b""))
    assert choice(to_record(bodiless)) == "bodiless"
    assert choice(to_record(replace(exchange, request=away))) == ""
    assert choice(record("/v2/models/income/infer", body=b"", answer=b"")) == ""
    assert choice(replace(record(), value=b"broken")) == ""


def test_a_broken_header_hides_nothing() -> None:
    broken = replace(record(), headers=(*record().headers, ("ce_x", b"\xff")))
    assert told(broken, models=("income",)) == ""


@pytest.mark.parametrize("status", ["2x", "600", "2XX", "", "ok"])
def test_a_status_that_is_none_is_refused(status: str) -> None:
    with pytest.raises(ValidationError, match="statuses"):
        OnlySettings(statuses=(status,))
