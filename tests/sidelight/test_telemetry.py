from __future__ import annotations

import io
import json
import logging
import logging.handlers
import threading
from collections.abc import Iterator

import pytest
import structlog

from sidelight import telemetry


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger(telemetry.OURS)
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.reset_defaults()


def told(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_service_level_time_and_logger() -> None:
    stream = io.StringIO()
    telemetry.configure("detectors", stream=stream)
    structlog.get_logger("sidelight.a").info("window judged", rows=1000)
    (line,) = told(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "service": "detectors",
        "event": "window judged",
        "rows": 1000,
        "level": "info",
        "logger": "sidelight.a",
    }


def test_lines_of_other_libraries_and_threads_are_alike() -> None:
    stream = io.StringIO()
    telemetry.configure("explainers", stream=stream)
    logger = logging.getLogger("some.library")
    thread = threading.Thread(target=logger.warning, args=("slow by %d ms", 5))
    thread.start()
    thread.join()
    (line,) = told(stream)
    assert (line["service"], line["event"], line["level"], line["logger"]) == (
        "explainers",
        "slow by 5 ms",
        "warning",
        "some.library",
    )


def test_an_exception_is_told_inside_its_line() -> None:
    stream = io.StringIO()
    telemetry.configure("logger", stream=stream)
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = told(stream)
    assert "broken" in json.dumps(line["exception"])


def test_a_terminal_gets_readable_lines_without_colour_when_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    telemetry.configure("up", stream=stream)
    structlog.get_logger("sidelight").info("process started", pid=7)
    assert "process started" in stream.getvalue()
    assert "pid=7" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("name", ["kafka.net.manager", "kafka.cluster"])
def test_connections_to_brokers_are_silent_and_can_be_listened_to(name: str) -> None:
    """Their failures are told in our own errors, which read the reason from these loggers."""
    stream, heard = io.StringIO(), logging.handlers.BufferingHandler(9)
    telemetry.configure("detectors", stream=stream)
    logger = logging.getLogger(name)
    logger.addHandler(heard)
    try:
        logger.error("Connection failed")
        logging.getLogger("kafka.coordinator.consumer").error("no right to the group")
    finally:
        logger.removeHandler(heard)
    assert [line["event"] for line in told(stream)] == ["no right to the group"]
    assert [record.msg for record in heard.buffer] == ["Connection failed"]


def test_other_libraries_are_heard_from_warnings_on() -> None:
    stream = io.StringIO()
    telemetry.configure("explainers", stream=stream)
    for name in ("shap", "another.library", "sidelight.explainers"):
        logging.getLogger(name).info("one of many")
        logging.getLogger(name).warning("news")
    assert [(line["logger"], line["event"]) for line in told(stream)] == [
        ("shap", "news"),
        ("another.library", "news"),
        ("sidelight.explainers", "one of many"),
        ("sidelight.explainers", "news"),
    ]


def test_what_is_below_the_level_is_not_told() -> None:
    stream = io.StringIO()
    telemetry.configure("up", stream=stream)
    structlog.get_logger("sidelight").debug("detail")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_tracebacks_do_not_tell_the_values_of_variables(stream: io.StringIO) -> None:
    telemetry.configure("explainers", stream=stream)
    row = "card " + "4242"
    try:
        raise ValueError(len(row))
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    assert "ValueError" in stream.getvalue()
    assert "card 4242" not in stream.getvalue()
