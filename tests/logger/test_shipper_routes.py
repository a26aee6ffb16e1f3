"""Where shippers carry to, and how each keeps its place."""

from __future__ import annotations

from typing import Any

from sidelight.config import Settings
from sidelight_logger.shipper.routes import LOG, Route, place_of, routes


def found(**settings: Any) -> dict[str, Route]:
    return dict(routes(Settings.model_validate(settings)))


def to_sink(url: str) -> Route:
    return found(logger={"sinks": {"there": {"url": url}}})["there"]


def to_log(url: str) -> Route:
    return found(log=url)[LOG]


def test_a_log_on_this_machine_and_no_sink_need_no_shipper() -> None:
    assert found() == {}


def test_a_log_on_kafka_and_a_sink_are_two_routes_with_a_place_each() -> None:
    both = found(log="kafka://h:1/p", logger={"sinks": {"there": {"url": "kafka://h:1/t"}}})
    assert list(both) == [LOG, "there"]
    assert both[LOG].group != both["there"].group


def test_two_sinks_of_one_address_keep_a_place_each() -> None:
    sinks = {"all": {"url": "http://h/x"}, "some": {"url": "http://h/x"}}
    both = found(logger={"sinks": sinks})
    assert both["all"].group != both["some"].group


def test_a_place_is_told_without_its_secrets() -> None:
    assert place_of("https://u:p@host:8443/path?key=1") == "https://host:8443/path"
    assert to_sink("http://u:a@h/x").group == to_sink("http://u:b@h/x").group
    assert to_sink("http://u:a@h/x").group != to_sink("http://h/y").group


def test_a_place_in_kafka_does_not_change_with_the_list_of_brokers() -> None:
    assert to_log("kafka://h1:1,h2:2/p").group == to_log("kafka://h2:2/p").group
    assert to_log("kafka://h1:1/p").group != to_log("kafka://h1:1/q").group
