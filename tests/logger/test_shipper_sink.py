"""A sink's answers: taken, refused for good, or to be tried again and when."""

from __future__ import annotations

import socket
import time
from email.utils import formatdate
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from sidelight.config.settings import SinkSettings
from sidelight.errors import ConfigError
from sidelight.events.http import HttpMessage
from sidelight.log.contract import Position
from sidelight.log.local.shelf import LEAP
from sidelight_logger.shipper.carrying.fates import SinkFailed, SinkRefused
from sidelight_logger.shipper.carrying.ledger import Ledger, ledger_of
from sidelight_logger.shipper.carrying.patience import Backoff
from sidelight_logger.shipper.http.sink import HttpSink, advised_seconds
from tests.logger.sinks import Answer, sink_server
from tests.sidelight.kafka_security import Authority

EVENT = HttpMessage((("ce-id", "1"), ("content-type", "application/json")), b"{}")


def test_events_go_over_one_connection_with_the_token() -> None:
    with sink_server() as server:
        sink = HttpSink(SinkSettings(url=server.url, token=SecretStr("t")))
        for _ in range(5):
            sink.send(EVENT)
        sink.close()
        assert server.connections == 1
        assert server.taken[0].headers["authorization"] == "Bearer t"
        assert server.taken[0].headers["content-type"] == "application/json"
        assert server.taken[0].body == b"{}"


def test_a_user_in_the_address_is_told_as_basic_credentials() -> None:
    with sink_server() as server:
        sink = HttpSink(SinkSettings(url=server.url.replace("//", "//me:s%20t@")))
        sink.send(EVENT)
        sink.close()
        assert server.taken[0].headers["authorization"] == "Basic bWU6cyB0"


def test_a_connection_that_the_sink_closed_is_replaced_without_a_failure() -> None:
    with sink_server(lambda event: Answer(headers={"Connection": "close"})) as server:
        sink = HttpSink(SinkSettings(url=server.url))
        for _ in range(3):
            sink.send(EVENT)
        sink.close()
        assert (server.connections, len(server.taken)) == (3, 3)


def test_interim_answers_are_not_the_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer_early, args=(listener,))
        thread.start()
        sink = HttpSink(SinkSettings(url=f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        for _ in range(2):
            sink.send(EVENT)
        sink.close()
        thread.join(10)


def answer_early(listener: socket.socket) -> None:
    """Two events on one connection, each told twice that its answer is yet to come."""
    connection, _ = listener.accept()
    with connection:
        for _ in range(2):
            received = b""
            while not received.endswith(b"{}"):
                received += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")


def test_an_event_that_no_header_can_carry_is_refused() -> None:
    with sink_server() as server:
        sink = HttpSink(SinkSettings(url=server.url))
        with pytest.raises(SinkRefused, match="cannot be sent"):
            sink.send(HttpMessage((("content-type", "a\nb"),), b""))
        sink.send(EVENT)
        sink.close()
        assert server.ids() == ["1"]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="ftp://sink/"):
        HttpSink(SinkSettings(url="ftp://user:secret@sink/"))


@pytest.mark.parametrize("status", [400, 406, 409, 413, 415, 422])
def test_an_answer_that_will_not_change_is_a_refusal(status: int) -> None:
    with sink_server(lambda event: Answer(status)) as server:
        sink = HttpSink(SinkSettings(url=server.url))
        with pytest.raises(SinkRefused, match=f"{status} ok"):
            sink.send(EVENT)
        sink.close()


def test_a_refusal_without_a_word_is_told_by_its_name() -> None:
    with sink_server(lambda event: Answer(400, content=b"")) as server:
        sink = HttpSink(SinkSettings(url=server.url))
        with pytest.raises(SinkRefused, match=r"400 Bad Request$"):
            sink.send(EVENT)
        sink.close()


@pytest.mark.parametrize(
    ("answer", "reason", "after_seconds"),
    [
        (Answer(408), "busy", 0),
        (Answer(425), "busy", 0),
        (Answer(429, {"Retry-After": "7"}), "busy", 7),
        (Answer(500), "server_error", 0),
        (Answer(502), "server_error", 0),
        (Answer(503, {"Retry-After": "100000"}), "busy", 300),
        *((Answer(status), "denied", 0) for status in (301, 308, 401, 403, 404, 405, 410)),
        (Answer(wait_seconds=0.5), "timeout", 0),
        (Answer(0), "unreachable", 0),
    ],
)
def test_an_answer_that_may_change_is_a_failure(
    answer: Answer, reason: str, after_seconds: float
) -> None:
    with sink_server(lambda event: answer) as server:
        sink = HttpSink(SinkSettings(url=server.url, timeout_seconds=0.2))
        with pytest.raises(SinkFailed) as caught:
            sink.send(EVENT)
        sink.close()
    assert (caught.value.reason, caught.value.after_seconds) == (reason, after_seconds)


def test_an_answer_before_the_event_was_read_is_an_answer() -> None:
    """As a proxy with a limit gives it: 413, and no byte more is read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            connection.recv(1 << 10)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmany")
            connection.shutdown(socket.SHUT_RD)
            time.sleep(0.5)
            connection.close()

        refusing = Thread(target=refuse)
        refusing.start()
        sink = HttpSink(SinkSettings(url=f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        with pytest.raises((SinkRefused, SinkFailed)) as caught:
            sink.send(HttpMessage((("ce-id", "1"),), bytes(64 << 20)))
        refusing.join()
        sink.close()
    assert "413 many" in str(caught.value)


def test_what_a_sink_says_when_it_fails_is_not_repeated() -> None:
    """It may hold the event, and a failure is logged."""
    with sink_server(lambda event: Answer(503)) as server:
        sink = HttpSink(SinkSettings(url=server.url))
        with pytest.raises(SinkFailed) as caught:
            sink.send(EVENT)
        sink.close()
    assert str(caught.value).endswith(": 503 Service Unavailable")


def test_a_sink_that_is_not_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sink = HttpSink(SinkSettings(url=f"http://127.0.0.1:{port}"))
    with pytest.raises(SinkFailed) as caught:
        sink.send(EVENT)
    sink.close()
    assert caught.value.reason == "unreachable"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    one = Authority(tmp_path_factory.mktemp("authority"))
    one.create()
    return one


def test_an_https_sink_is_trusted_by_its_authority_and_over_one_connection(
    authority: Authority,
) -> None:
    with sink_server(certificate=authority.sign("sink")) as server:
        sink = HttpSink(SinkSettings(url=server.url, ca_file=authority.certificate))
        for _ in range(3):
            sink.send(EVENT)
        sink.close()
        assert (server.connections, len(server.taken)) == (1, 3)


def test_a_certificate_that_is_not_trusted_is_waited_for(authority: Authority) -> None:
    with sink_server(certificate=authority.sign("sink")) as server:
        sink = HttpSink(SinkSettings(url=server.url))
        with pytest.raises(SinkFailed, match="certificate") as caught:
            sink.send(EVENT)
        assert caught.value.reason == "denied"
        sink.close()
        unchecked = HttpSink(SinkSettings(url=server.url, verify=False))
        unchecked.send(EVENT)
        unchecked.close()


def test_a_certificate_for_another_host_is_not_trusted(authority: Authority) -> None:
    with sink_server(certificate=authority.sign("other", "DNS:elsewhere")) as server:
        sink = HttpSink(SinkSettings(url=server.url, ca_file=authority.certificate))
        with pytest.raises(SinkFailed, match="not valid for '127") as caught:
            sink.send(EVENT)
        sink.close()
    assert caught.value.reason == "denied"


def test_an_authority_that_is_mounted_late_or_changes_is_read_again(
    authority: Authority, tmp_path: Path
) -> None:
    place = tmp_path / "ca.crt"
    with sink_server(certificate=authority.sign("sink")) as server:
        sink = HttpSink(SinkSettings(url=server.url, ca_file=place))
        with pytest.raises(SinkFailed, match=r"ca_file .*ca\.crt cannot be read"):
            sink.send(EVENT)
        place.write_text("no certificate")
        with pytest.raises(SinkFailed, match=r"ca_file .*ca\.crt cannot be read") as caught:
            sink.send(EVENT)
        assert caught.value.reason == "denied"
        place.write_bytes(authority.certificate.read_bytes())
        sink.send(EVENT)
        sink.close()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("12", 12),
        ("999999", 300),
        (formatdate(1_000_030, usegmt=True), 30),
        (formatdate(999_000, usegmt=True), 0),
        *[("", 0), ("soon", 0), ("-5", 0), ("٣", 0)],
    ],
)
def test_advice_is_seconds_or_a_date_and_bounded(text: str, seconds: float) -> None:
    assert advised_seconds(text, lambda: 1_000_000.0) == seconds


def test_waits_double_up_to_a_limit_and_begin_again_after_success() -> None:
    backoff = Backoff(0.1, 1.0, seed=1)
    waits = [backoff.next_seconds(0) for _ in range(8)]
    for wait, whole in zip(waits, [0.1, 0.2, 0.4, 0.8, 1, 1, 1, 1], strict=True):
        assert whole / 2 <= wait <= whole
    backoff.succeeded()
    assert backoff.next_seconds(0) <= 0.1
    assert backoff.next_seconds(5.0) == 5.0


steps = st.lists(
    st.one_of(
        st.just(("deliver", 1)),
        st.just(("reduce", 1)),
        st.just(("bury", 1)),
        st.just(("leave out", 1)),
        st.tuples(st.sampled_from(["retired", "absent", "untold"]), st.integers(1, 10**6)),
    ),
    max_size=30,
)


@given(st.integers(0, 10**9), steps)
def test_a_ledger_accounts_for_every_offset_and_survives_its_note(
    first: int, steps: list[tuple[str, int]]
) -> None:
    ledger = Ledger(first)
    for what, records in steps:
        if what == "deliver":
            ledger = ledger.deliver()
        elif what == "reduce":
            ledger = ledger.deliver_reduced("cut")
        elif what == "bury":
            ledger = ledger.bury()
        elif what == "leave out":
            ledger = ledger.leave_out("sampled")
        else:
            ledger = ledger.drop(what, records)
    assert ledger.cursor == first + sum(records for _, records in steps)
    assert ledger_of(ledger.position(), 0) == ledger
    assert ledger.position().offset == ledger.cursor


def test_where_the_log_leapt_nothing_is_lacking() -> None:
    """After a torn segment: three records of it are gone, and no other ever stood there."""
    ledger = Ledger(5, delivered=10).skip_to(18 + LEAP, "absent")
    assert (ledger.cursor, ledger.dropped) == (18 + LEAP, {"absent": 3})
    assert ledger.waiting(20 + LEAP) == 2
    before = Ledger(5, delivered=10)
    assert before.waiting(17 + LEAP) == 2


def test_a_new_group_begins_at_the_first_kept_record() -> None:
    assert ledger_of(None, 42) == Ledger(42)


def test_a_log_made_anew_moves_the_cursor_and_keeps_the_counts() -> None:
    ledger = Ledger(10, delivered=5).begin_again(0)
    assert (ledger.cursor, ledger.delivered) == (0, 5)
    assert ledger_of(Position(0, ledger.position().note), 0) == ledger
