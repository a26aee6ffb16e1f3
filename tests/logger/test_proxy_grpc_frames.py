"""HTTP/2 frame by frame: what passes, what is added, and what ends a connection (and no other)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight_logger.correlation import NO_IDS
from sidelight_logger.proxy.h2.allowance import Allowance
from sidelight_logger.proxy.h2.blocks import Blocks
from sidelight_logger.proxy.h2.frames import (
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    GOAWAY,
    HEAD,
    HEADERS,
    INTERNAL_ERROR,
    NO_ERROR,
    PADDED,
    PING,
    PREFACE,
    PROTOCOL_ERROR,
    RST_STREAM,
    SETTINGS,
    WITH_PRIORITY,
    Violation,
    frame,
)
from sidelight_logger.proxy.h2.heads import read_head
from sidelight_logger.proxy.h2.reader import FrameReader
from sidelight_logger.proxy.h2.streams import Answers, Requests, Stream, Streams
from sidelight_logger.proxy.recording import Unrecorded
from sidelight_logger.proxy.settings import Limits
from tests.logger.proxy_running import (
    DummyRecorder,
    RunningProxy,
    ScriptedServer,
    Wire,
    running_proxy,
    wait_until,
)

Frame = tuple[int, int, int, bytes]
LIMITS = Limits(
    streams=2000, grace_seconds=2.0, linger_seconds=0.5, stall_seconds=1.0, quiet_seconds=0.05
)
OPENED = END_HEADERS
WHOLE = END_HEADERS | END_STREAM


class Peer:
    """One end of an HTTP/2 connection, written and read in frames."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._encoder = hpack.Encoder()
        self._decoder = hpack.Decoder()

    def send(self, *frames: bytes) -> None:
        self.wire.send(b"".join(frames))

    def head(self, **fields: str) -> bytes:
        """A header block; `_` begins a pseudo-field, and stands for `-`."""
        names = ((f":{key[1:]}" if key[0] == "_" else key.replace("_", "-")) for key in fields)
        return self._encoder.encode(list(zip(names, fields.values(), strict=True)))

    def ask(self, stream: int, flags: int = WHOLE, **fields: str) -> bytes:
        start = {"_method": "POST", "_path": "/a.B/C", "_scheme": "http", "_authority": "model"}
        return frame(HEADERS, flags, stream, self.head(**start, **fields))

    def next(self) -> Frame:
        high, low, kind, flags, stream = HEAD.unpack(self.wire.exactly(HEAD.size))
        return kind, flags, stream, self.wire.exactly(high << 8 | low)

    def until(self, kind: int) -> Frame:
        while (found := self.next())[0] != kind:
            pass
        return found

    def fields(self) -> list[tuple[str, str]]:
        """Of the next head."""
        return [(str(name), str(value)) for name, value in self._decoder.decode(self.next()[3])]

    def is_gone(self) -> bool:
        """Closed or reset, after whatever came."""
        try:
            self.wire.rest()
        except ConnectionResetError:
            return True
        return True


@pytest.fixture
def proxy(server: ScriptedServer, recorder: DummyRecorder) -> Iterator[RunningProxy]:
    with running_proxy(server.port, limits=LIMITS, recorder=recorder.path) as running:
        yield running


Pair = tuple[Peer, Peer]


def joined(proxy: RunningProxy, server: ScriptedServer) -> Pair:
    """A client and a model server with the proxy between them."""
    client = Peer(proxy.connect())
    client.send(PREFACE, frame(SETTINGS, 0, 0, b""))
    model = Peer(server.accept())
    assert model.wire.exactly(len(PREFACE)) == PREFACE
    assert model.next() == (SETTINGS, 0, 0, b"")
    return client, model


@pytest.fixture
def pair(proxy: RunningProxy, server: ScriptedServer) -> Iterator[Pair]:
    client, model = joined(proxy, server)
    yield client, model
    with contextlib.suppress(OSError):
        client.wire.reset()  # closed, it might still want its answers


def last_words(peer: Peer) -> tuple[int, bytes]:
    """The code and the reason in a GOAWAY."""
    payload = peer.until(GOAWAY)[3]
    return int.from_bytes(payload[4:8], "big"), payload[8:]


def test_frames_pass_untouched_but_for_the_id(pair: Pair, recorder: DummyRecorder) -> None:
    client, model = pair
    client.send(client.ask(1, END_HEADERS, te="trailers"))
    client.send(frame(DATA, 0, 1, b"ab"), frame(DATA, PADDED | END_STREAM, 1, b"\3cd\0\0\0"))
    *fields, identity = model.fields()
    assert fields[-1] == ("te", "trailers")
    assert identity[0] == "x-request-id"
    assert model.next() == (DATA, 0, 1, b"ab")
    assert model.next() == (DATA, PADDED | END_STREAM, 1, b"\3cd\0\0\0")
    model.send(frame(HEADERS, OPENED, 1, model.head(_status="100")))
    model.send(frame(HEADERS, OPENED, 1, model.head(_status="200", grpc_encoding="gzip")))
    model.send(frame(DATA, 0, 1, b"xyz"))
    model.send(frame(HEADERS, WHOLE, 1, model.head(grpc_status="0")))
    assert client.fields() == [(":status", "100")]
    assert client.fields() == [(":status", "200"), ("grpc-encoding", "gzip"), identity]
    assert client.next() == (DATA, 0, 1, b"xyz")
    assert client.fields() == [("grpc-status", "0")]
    (capture,) = recorder.wait(1)
    assert capture.request.head == (b"POST /a.B/C HTTP/2\r\nhost: model\r\nte: trailers\r\n\r\n")
    assert (capture.request.body, capture.response.body) == (b"abcd", b"xyz")
    told = b"HTTP/2 200 \r\ngrpc-encoding: gzip\r\ngrpc-status: 0\r\n\r\n"
    assert (capture.outcome, capture.response.head) == ("answered", told)


def test_a_head_in_pieces_padded_and_with_a_priority_is_one_head(pair: Pair) -> None:
    client, model = pair
    block = client.head(_method="POST", _path="/x", a="1", b="2")
    start = b"\2" + bytes(5) + block[:4] + bytes(2)
    client.send(frame(HEADERS, PADDED | WITH_PRIORITY | END_STREAM, 1, start))
    client.send(frame(CONTINUATION, 0, 1, block[4:6]))
    client.send(frame(CONTINUATION, END_HEADERS, 1, block[6:]))
    assert model.next() == (HEADERS, PADDED | WITH_PRIORITY | END_STREAM, 1, start)
    assert model.next()[3] == block[4:6]
    assert model.next()[3].startswith(block[6:] + b"\0\x0cx-request-id\x24")


@pytest.mark.parametrize("flags", [0, PADDED])
def test_the_id_finds_room_behind_a_full_or_padded_head(pair: Pair, flags: int) -> None:
    client, model = pair
    block = client.head(_method="POST", _path="/x")
    filler = hpack.Encoder().encode([("f", "v" * 16_340)], huffman=False)
    payload = b"\0" + block if flags else block + filler
    client.send(frame(HEADERS, flags | WHOLE, 1, payload))
    kind, got, _, same = model.next()
    assert (kind, got & END_HEADERS) == (HEADERS, 0)
    assert same == payload
    assert model.next()[:3] == (CONTINUATION, END_HEADERS, 1)


@given(st.lists(st.integers(1, 40), max_size=60))
def test_wherever_it_is_cut_a_stream_of_frames_is_read_alike(cuts: list[int]) -> None:
    def read(sizes: Iterator[int]) -> tuple[bytes, list[object]]:
        heard: list[object] = []
        reader = FrameReader(_Heard(heard), 1000)
        rest, out = STREAM_OF_FRAMES, b""
        for size in sizes:
            out += reader.feed(rest[:size])
            rest = rest[size:]
        return out + reader.feed(rest), heard

    whole, heard = read(iter(()))
    cut, heard_of_it = read(iter(cuts))
    assert (cut, _joined(heard_of_it)) == (whole, _joined(heard))


class _Heard:
    def __init__(self, heard: list[object]) -> None:
        self._heard = heard

    def block(self, kind: int, stream: int, block: bytes) -> bytes:
        self._heard.append((kind, stream, block))
        return b"extra"

    def data(self, stream: int, payload: bytes) -> None:
        self._heard.append((stream, payload))

    def end(self, stream: int) -> None:
        self._heard.append(("end", stream))

    def control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self._heard.append((kind, flags, stream, payload))


def _joined(heard: list[object]) -> list[object]:
    """Neighbouring pieces of one body as one."""
    out: list[object] = []
    for one in heard:
        if isinstance(one, tuple) and len(one) == 2 and one[0] != "end":
            if out and isinstance(out[-1], list) and out[-1][0] == one[0]:
                out[-1][1] += one[1]
            else:
                out.append([*one])
        else:
            out.append(one)
    return out


STREAM_OF_FRAMES = b"".join(
    (
        frame(SETTINGS, 0, 0, bytes(12)),
        frame(HEADERS, PADDED, 1, b"\1\x83\x86\0"),
        frame(CONTINUATION, END_HEADERS, 1, b"\x84\x40\1a\1b"),
        frame(DATA, PADDED, 1, b"\2body\0\0"),
        frame(PING, 0, 0, bytes(8)),
        frame(DATA, END_STREAM, 1, b"x" * 300),
        frame(HEADERS, WHOLE, 3, b"\x83\xbe\x84"),
        frame(77, 0, 5, b"unknown"),
        frame(DATA, END_STREAM | PADDED, 3, b"\0"),
        frame(RST_STREAM, 0, 1, bytes(4)),
    )
)


@given(st.lists(st.tuples(st.integers(0, len(STREAM_OF_FRAMES) - 1), st.binary(max_size=3))))
def test_garbage_passes_or_is_refused(changes: list[tuple[int, bytes]]) -> None:
    data = STREAM_OF_FRAMES
    for at, other in changes:
        data = data[:at] + other + data[at + len(other) :]
    streams = Streams(lambda head, ids: Stream(Unrecorded(), NO_IDS), 100, time.monotonic)
    asked, answered = Blocks(1000), Blocks(1000)
    answers = Answers(streams, answered, asked, tells_id=False)
    for listener in (Requests(streams, asked, answered), answers):
        reader = FrameReader(listener, 1000)
        with contextlib.suppress(Violation):
            assert data.startswith(reader.feed(data))


PINGS = frame(PING, 0, 0, bytes(8)) * 60_000
NOTHING = frame(DATA, 0, 1, b"") * 60_000
HALF_A_HEAD = frame(HEADERS, 0, 1, b"")
LONG = b"\x40\1a\x7f\xa1\x1e" + b"v" * 4000
"""A field that is kept in the table."""
BOMB = frame(HEADERS, END_HEADERS, 1, LONG + b"\xbe" * 100)


def resets(client: Peer) -> bytes:
    return b"".join(
        client.ask(number) + frame(RST_STREAM, 0, number, b"\0\0\0\x08")
        for number in range(1, 2400, 2)
    )


@pytest.mark.parametrize(
    ("abuse", "code"),
    [
        (resets, ENHANCE_YOUR_CALM),
        (lambda _: PINGS, ENHANCE_YOUR_CALM),
        (lambda _: frame(SETTINGS, 0, 0, b"") * 60_000, ENHANCE_YOUR_CALM),
        (lambda one: one.ask(1, END_HEADERS) + NOTHING, ENHANCE_YOUR_CALM),
        (lambda _: HALF_A_HEAD + frame(CONTINUATION, 0, 1, b"") * 10_000, ENHANCE_YOUR_CALM),
        (lambda _: HALF_A_HEAD + frame(CONTINUATION, 0, 1, bytes(16_000)) * 5, ENHANCE_YOUR_CALM),
        (lambda _: HEAD.pack(1 << 15, 0, HEADERS, WHOLE, 1), ENHANCE_YOUR_CALM),
        (lambda _: BOMB, ENHANCE_YOUR_CALM),
        (lambda one: b"".join(one.ask(n) for n in range(1, 4100, 2)), ENHANCE_YOUR_CALM),
        (lambda _: frame(HEADERS, WHOLE, 1, b"\xff\xff\xff\xff"), COMPRESSION_ERROR),
        (lambda _: frame(HEADERS, WHOLE, 1, b"\xfe"), COMPRESSION_ERROR),
        (lambda _: frame(HEADERS, WHOLE, 1, b"\x40\x05ab"), COMPRESSION_ERROR),
        (lambda _: frame(HEADERS, WHOLE, 1, b"\x3f\xff\xff\xff\x7f"), COMPRESSION_ERROR),
        (lambda _: HALF_A_HEAD + frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
        (lambda _: HALF_A_HEAD + HALF_A_HEAD, PROTOCOL_ERROR),
        (lambda _: HALF_A_HEAD + frame(CONTINUATION, 0, 3, b""), PROTOCOL_ERROR),
        (lambda _: frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR),
        (lambda _: frame(HEADERS, WHOLE | PADDED, 1, b"\x09ab"), PROTOCOL_ERROR),
        (lambda _: frame(HEADERS, WHOLE | PADDED, 1, b""), PROTOCOL_ERROR),
        (lambda _: frame(DATA, PADDED, 1, b"\x09ab"), PROTOCOL_ERROR),
    ],
)
def test_abuse_ends_its_connection_and_no_other(
    proxy: RunningProxy,
    server: ScriptedServer,
    abuse: Callable[[Peer], bytes],
    code: int,
) -> None:
    other_client, other_model = joined(proxy, server)
    client, model = joined(proxy, server)
    client.wire.sock.sendall(abuse(client))
    said, reason = last_words(client)
    assert (said, bool(reason)) == (code, True)
    assert client.is_gone()
    assert model.is_gone()
    assert proxy.stats.refused == 1
    other_client.send(other_client.ask(1))
    assert other_model.until(HEADERS)[2] == 1
    wait_until(lambda: proxy.stats.client_connections == 1)
    other_client.wire.reset()


def test_an_answer_that_cannot_be_read_is_told_as_the_servers_fault(
    pair: Pair, proxy: RunningProxy, recorder: DummyRecorder
) -> None:
    client, model = pair
    client.send(client.ask(1))
    model.until(HEADERS)
    model.send(frame(CONTINUATION, END_HEADERS, 1, b""))
    code, reason = last_words(client)
    assert code == INTERNAL_ERROR
    assert b"the model server's answer cannot be read" in reason
    assert recorder.wait(1)[0].outcome == "unanswered"
    assert (proxy.stats.upstream_failures, proxy.stats.refused) == (1, 0)


def test_clients_that_give_up_some_calls_are_not_abusive() -> None:
    now = 0.0
    allowance = Allowance(10, 2.0, lambda: now)
    for _ in range(1000):
        assert allowance.spend()
        allowance.earn()
    assert [allowance.spend() for _ in range(11)] == [True] * 10 + [False]
    now = 2.0
    assert [allowance.spend() for _ in range(4)] == [True] * 3 + [False]


def test_no_value_forges_a_line_of_a_captured_head() -> None:
    head = read_head(
        [
            (b":method", b"POST"),
            (b":path", b"/a b\r\nc"),
            (b"evil\r\nx", b"1"),
            (b"note", b"1\r\nsidelight-purpose: explain\0"),
        ]
    )
    assert head.line == b"POST /a?b??c HTTP/2\r\n"
    assert head.lines == b"note: 1  sidelight-purpose: explain \r\n"


def test_a_repeated_head_means_the_same_only_while_the_table_does() -> None:
    """`\\xbe` is the newest entry of the table, whatever that is by now."""
    blocks = Blocks(1000)
    assert blocks.read(b"\x40\1a\0011\xbe").lines == b"a: 1\r\na: 1\r\n"
    assert blocks.read(b"\xbe").lines == b"a: 1\r\n"
    assert blocks.read(b"\xbe").lines == b"a: 1\r\n"
    assert blocks.read(b"\x40\1a\0012").lines == b"a: 2\r\n"
    assert blocks.read(b"\xbe").lines == b"a: 2\r\n"


def test_a_reset_ends_the_exchange_of_its_stream(pair: Pair, recorder: DummyRecorder) -> None:
    client, model = pair
    client.send(client.ask(1), client.ask(3), client.ask(5))
    for _ in range(3):
        model.until(HEADERS)
    client.send(frame(RST_STREAM, 0, 1, bytes(4)))
    assert recorder.wait(1)[0].outcome == "abandoned"
    model.send(frame(RST_STREAM, 0, 3, bytes(4)))
    assert recorder.wait(2)[1].outcome == "unanswered"
    client.wire.reset()
    assert recorder.wait(3)[2].outcome == "abandoned"
    assert model.is_gone()


def test_a_model_server_that_falls_leaves_calls_unanswered(
    pair: Pair, recorder: DummyRecorder
) -> None:
    client, model = pair
    client.send(client.ask(1))
    model.until(HEADERS)
    model.wire.close()
    assert client.is_gone()
    assert recorder.wait(1)[0].outcome == "unanswered"


def test_a_client_that_reads_nothing_holds_up_its_server_and_is_cut_in_the_end(
    pair: Pair, proxy: RunningProxy
) -> None:
    client, model = pair
    client.send(client.ask(1))
    model.until(HEADERS)
    model.wire.sock.settimeout(0.5)
    sent = 0
    with contextlib.suppress(TimeoutError, ConnectionError):
        while sent < 64 << 20:
            sent += model.wire.sock.send(frame(DATA, 0, 1, bytes(16_384)))
    assert sent < 64 << 20
    wait_until(lambda: proxy.stats.client_connections == 0)


def test_at_the_end_calls_under_way_are_served_and_clients_sent_elsewhere(
    pair: Pair, proxy: RunningProxy, recorder: DummyRecorder
) -> None:
    client, model = pair
    model.send(frame(SETTINGS, 0, 0, b""))
    client.send(client.ask(1))
    model.until(HEADERS)
    proxy.ask_to_stop()
    assert last_words(client)[0] == NO_ERROR
    client.send(client.ask(3))  # was on its way
    model.until(HEADERS)
    for number in (1, 3):
        model.send(frame(HEADERS, WHOLE, number, model.head(_status="200")))
        assert client.until(HEADERS)[2] == number
    payload = client.until(GOAWAY)[3]
    assert int.from_bytes(payload[:4], "big") == 3
    assert client.is_gone()
    assert {one.outcome for one in recorder.wait(2)} == {"answered"}
    proxy.stop()
    assert proxy.cut == 0


def test_the_word_to_leave_waits_for_the_end_of_a_frame(pair: Pair, proxy: RunningProxy) -> None:
    client, model = pair
    client.send(client.ask(1))
    model.until(HEADERS)
    model.send(frame(HEADERS, END_HEADERS, 1, model.head(_status="200")))
    long = frame(DATA, 0, 1, b"x" * 1000)
    model.send(long[:500])
    client.wire.exactly(500)
    proxy.ask_to_stop()
    time.sleep(0.1)
    model.send(long[500:], frame(DATA, END_STREAM, 1, b"y"))
    rest = client.wire.until(b"y")
    assert b"x" * 100 in rest
    proxy.stop()


@pytest.mark.parametrize("size", [1, 5, 23])
def test_a_preface_in_pieces_is_one(proxy: RunningProxy, server: ScriptedServer, size: int) -> None:
    wire = proxy.connect()
    wire.send(PREFACE[:size])
    time.sleep(0.05)
    wire.send(PREFACE[size:] + frame(PING, 0, 0, bytes(8)))
    model = server.accept()
    assert model.exactly(len(PREFACE)) == PREFACE
    assert Peer(model).next()[0] == PING
    wire.close()


def test_who_is_told_to_leave_hears_the_servers_settings_first(
    proxy: RunningProxy, pair: Pair
) -> None:
    client, model = pair
    client.send(client.ask(1))
    model.until(HEADERS)
    proxy.ask_to_stop()
    assert client.wire.is_quiet()
    model.send(frame(SETTINGS, 0, 0, b""))
    assert client.next() == (SETTINGS, 0, 0, b"")
    assert client.next()[:3] == (GOAWAY, 0, 0)


def test_who_never_heard_the_server_is_told_in_order_too(proxy: RunningProxy, pair: Pair) -> None:
    proxy.ask_to_stop()
    client, _ = pair
    assert client.next() == (SETTINGS, 0, 0, b"")
    assert client.next()[:3] == (GOAWAY, 0, 0)


def test_a_call_that_the_stop_cuts_is_recorded(
    server: ScriptedServer, recorder: DummyRecorder
) -> None:
    limits = Limits(grace_seconds=0.3, quiet_seconds=0.05)
    with running_proxy(server.port, limits=limits, recorder=recorder.path) as proxy:
        client, model = joined(proxy, server)
        client.send(client.ask(1))
        model.until(HEADERS)
        wait_until(lambda: recorder.connected)
        proxy.stop()
        assert (proxy.cut, proxy.stats.accepted, proxy.stats.settled) == (1, 1, 1)
        client.wire.reset()
    assert [one.outcome for one in recorder.captures] == ["abandoned"]


def test_long_heads_are_not_remembered() -> None:
    blocks = Blocks(64 << 10)
    for number in range(100):
        blocks.read(b"\0\1a\x7f\x81\xf3\x03" + b"%064000d" % number)
    assert not blocks._read


def test_an_answer_with_heads_without_end_does_not_outgrow_its_capture(
    pair: Pair, recorder: DummyRecorder
) -> None:
    client, model = pair
    client.send(client.ask(1))
    model.until(HEADERS)
    encoder = hpack.Encoder()
    fields = [(f"f{number}", "v" * 12_000) for number in range(4)]
    block = encoder.encode([(":status", "200")]) + b"".join(
        b"\0" + hpack.Encoder().encode([field], huffman=False)[1:] for field in fields
    )
    for _ in range(60):
        for at in range(0, len(block), 16_000):
            last = at + 16_000 >= len(block)
            kind = CONTINUATION if at else HEADERS
            model.send(frame(kind, END_HEADERS * last, 1, block[at : at + 16_000]))
        client.until(CONTINUATION)
    model.send(frame(DATA, END_STREAM, 1, b"x"))
    assert len(recorder.wait(1)[0].response.head) < 512 << 10
