"""What is shown of the sinks, under our names and under KServe's."""

from __future__ import annotations

import itertools

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sidelight.events.http import HttpMessage
from sidelight_logger.metrics.kserve import KServeMetrics
from sidelight_logger.metrics.sinks import Sinks
from sidelight_logger.shipper.carrying.fates import SinkFailed, SinkRefused
from sidelight_logger.shipper.http.counting import Counted, PostCounts
from sidelight_logger.wire.frames import Decoder
from sidelight_logger.wire.sinks import Posts, SinkStats, encode_stats
from tests.logger.captures import sample

REQUEST = HttpMessage((("ce-type", "org.kubeflow.serving.inference.request"),), b"")
RESPONSE = HttpMessage((("ce-type", "org.kubeflow.serving.inference.response"),), b"")


class Answering:
    """Raises what it is given, one for each message."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers = iter(answers)

    def send(self, message: HttpMessage) -> None:
        if (answer := next(self._answers)) is not None:
            raise answer

    def close(self) -> None: ...


def posts(*answers: Exception | None) -> dict[str, Posts]:
    """Of requests that take 0.03 s each, then one response of the same."""
    counts, clock = PostCounts(), itertools.count(0, 0.03)
    sink = Counted(Answering(*answers, None), counts, lambda: next(clock))
    for answer in answers:
        if answer is None:
            sink.send(REQUEST)
        else:
            with pytest.raises(type(answer)):
                sink.send(REQUEST)
    sink.send(RESPONSE)
    return dict(counts.read())


def test_posts_are_counted_by_kind_and_time() -> None:
    found = posts(None, SinkRefused("no"), SinkFailed("later", "busy"), None)
    assert (found["request"].sent, found["request"].refused) == (2, 1)
    assert found["request"].counts[:5] == (0, 0, 0, 2, 0)
    assert found["request"].seconds == pytest.approx(0.06)
    assert (found["response"].sent, found["other"].sent) == (1, 0)


def test_counters_survive_their_frame() -> None:
    stats = SinkStats("a", left_out={"sampled": 3}, posts=posts(None))
    assert list(Decoder().feed(encode_stats(stats))) == [stats]


def test_what_a_sink_left_out_is_shown_by_reason() -> None:
    registry, sinks = CollectorRegistry(), Sinks()
    registry.register(sinks)
    sinks.take(SinkStats("a", delivered=2, left_out={"sampled": 3}, posts=posts(None, None)))
    assert sample(registry, "sink_left_out_total", sink="a", reason="sampled") == 3
    assert sample(registry, "sink_left_out_total", sink="a", reason="filtered") == 0
    assert sample(registry, "sink_post_seconds_count", sink="a") == 3
    assert sample(registry, "sink_post_seconds_bucket", sink="a", le="0.05") == 3
    assert sample(registry, "sink_post_seconds_bucket", sink="a", le="0.025") == 0


def test_a_recorder_that_was_started_again_shows_no_counter_before_the_sink_tells_its_own() -> None:
    registry, sinks = CollectorRegistry(), Sinks(["a"])
    registry.register(sinks)
    name = "sidelight_logger_sink_delivered_total"
    assert registry.get_sample_value(name, {"sink": "a"}) is None
    sinks.take(SinkStats("a", delivered=7))
    assert registry.get_sample_value(name, {"sink": "a"}) == 7


def test_a_sink_whose_shipper_is_silent_is_not_up() -> None:
    now = [0.0]
    registry, sinks = CollectorRegistry(), Sinks(["a"], lambda: now[0])
    registry.register(sinks)
    assert sample(registry, "sink_up", sink="a") == 1
    now[0] = 60.0
    assert sample(registry, "sink_up", sink="a") == 0
    assert sinks.details() == ("a: 0 records wait: its shipper has told nothing for 60 s",)
    sinks.take(SinkStats("a"))
    assert sinks.details() == ()


def test_kserves_names_sum_over_the_http_sinks() -> None:
    registry, sinks = CollectorRegistry(), Sinks()
    registry.register(KServeMetrics(sinks))
    refused = SinkRefused("no")
    sinks.take(SinkStats("a", waiting=4, dropped={"retired": 5}, posts=posts(None, refused)))
    sinks.take(SinkStats("b", waiting=7, posts=posts(None)))
    sinks.take(SinkStats("folder", waiting=100, dropped={"retired": 9}))

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"kserve_logger_{name}", labels)

    assert told("events_sent_total", type="request") == 2
    assert told("events_sent_total", type="response") == 2
    assert told("events_failed_total", type="request") == 1
    assert told("events_failed_total", type="response") == 0
    assert told("events_dropped_total", type="request") == 5
    assert told("delivery_duration_seconds_count", type="request") == 2
    assert told("delivery_duration_seconds_bucket", type="request", le="0.05") == 2
    assert told("work_queue_depth") == 7


def test_kserves_names_are_there_before_anything_is_sent() -> None:
    registry = CollectorRegistry()
    registry.register(KServeMetrics(Sinks(["a"])))
    text = generate_latest(registry).decode()
    for name in ("sent", "failed", "dropped"):
        assert f'kserve_logger_events_{name}_total{{type="request"}} 0.0' in text
    assert "kserve_logger_work_queue_depth 0.0" in text
