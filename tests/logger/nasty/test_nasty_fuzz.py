"""The parsers under mutations of the corpora, held against h11 and llhttp.

Whatever is forwarded must be read by both as exactly those messages; what the proxy takes for one
request must never be two to the model server, nor an answer that was cut be whole to the client.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import h11
import httptools
import pytest

from sidelight_logger.proxy import body, fields, head
from sidelight_logger.proxy.h2 import frames as h2_frames
from sidelight_logger.proxy.h2 import reader as h2_reader
from sidelight_logger.proxy.h2.blocks import Blocks
from sidelight_logger.proxy.h2.frames import Violation
from sidelight_logger.proxy.h2.reader import FrameReader
from tests.logger.faults.seeds import KEPT, fresh, soak_seconds
from tests.logger.nasty.answers import ANSWERS
from tests.logger.nasty.covering import explore
from tests.logger.nasty.mutating import mutated
from tests.logger.nasty.passing import Passed, answer_in, requests_in
from tests.logger.nasty.requests import REQUESTS

_SHORT_BYTES = 3000
_RUNS = 1500
_STEPS = (1, 2, 7, 4096)


def corpus_of(all_pieces: list[tuple[bytes, ...]]) -> list[bytes]:
    joined = (b"".join(pieces) for pieces in all_pieces)
    return [sample for sample in joined if 0 < len(sample) < _SHORT_BYTES]


CALLS = corpus_of([nasty.pieces for nasty in REQUESTS])
REPLIES = corpus_of([answer.pieces for answer in ANSWERS])


@dataclass
class LlhttpReading:
    """Requests as llhttp reads them."""

    found: list[tuple[bytes, bytes]] = field(default_factory=list)
    _target: bytes = b""
    _body: bytes = b""

    def on_message_begin(self) -> None:
        self._target = self._body = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.found.append((self._target, self._body))


def read_by_llhttp(wire: bytes) -> list[tuple[bytes, bytes]]:
    reading = LlhttpReading()
    httptools.HttpRequestParser(reading).feed_data(wire)
    return reading.found


def read_by_h11(connection: h11.Connection) -> tuple[tuple[bytes, ...], bytes, bytes]:
    """(start, body, what is left) of one message."""
    start: tuple[bytes, ...] = ()
    content = b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            start = (event.method, event.target)
        elif isinstance(event, h11.Response):
            start = (b"%d" % event.status_code,)
        elif isinstance(event, h11.Data):
            content += event.data
        elif isinstance(event, h11.EndOfMessage):
            return start, content, connection.trailing_data[0]
        else:
            raise AssertionError(event)


def check_requests(stream: bytes) -> None:
    for one in requests_in(stream, 4096):
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(one.wire)
        assert read_by_h11(connection) == (one.start, one.payload, b"")
        # It knows methods by name only: another one, which may be sent, it cannot judge.
        with contextlib.suppress(httptools.HttpParserInvalidMethodError):
            assert read_by_llhttp(one.wire) == [(one.start[1], one.payload)]


def check_cuts(stream: bytes) -> None:
    """However it is cut, what is forwarded says the same."""
    meant = [_meaning(requests_in(stream, step)) for step in _STEPS]
    assert meant[1:] == meant[:-1]


def _meaning(passed: list[Passed]) -> list[tuple[tuple[bytes, ...], bytes]]:
    return [(one.start, one.payload) for one in passed]


def check_answers(stream: bytes) -> None:
    for method in (b"GET", b"HEAD"):
        passed = [answer_in(stream, method, step) for step in _STEPS]
        meant = [None if one is None else (one.start, one.payload) for one in passed]
        assert meant[1:] == meant[:-1]
        if passed[0] is not None:
            connection = h11.Connection(h11.CLIENT)
            connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
            connection.send(h11.EndOfMessage())
            connection.receive_data(passed[0].wire)
            connection.receive_data(b"")
            assert read_by_h11(connection)[:2] == (passed[0].start, passed[0].payload)


class Listening:
    """Notes what a reader of frames tells, bodies joined; reads header blocks on."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.bodies: dict[int, bytes] = {}
        self._blocks = Blocks(1 << 16)

    def block(self, kind: int, stream: int, block: bytes) -> bytes:
        self.told.append((kind, stream, self._blocks.read(block)))
        return b""

    def data(self, stream: int, payload: bytes) -> None:
        if stream:  # the connection itself has no body: the peers refuse it
            self.bodies[stream] = self.bodies.get(stream, b"") + payload

    def end(self, stream: int) -> None:
        self.told.append(("end", stream))

    def control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self.told.append((kind, flags, stream, payload))


def check_frames(stream: bytes) -> None:
    """Passed byte for byte, and understood alike, however it is cut."""
    readings = []
    for step in _STEPS:
        listening, out, violated = Listening(), b"", False
        reader = FrameReader(listening, 1 << 16)
        try:
            for at in range(0, len(stream), step):
                out += reader.feed(stream[at : at + step])
        except Violation:
            violated = True
        assert stream.startswith(out)
        readings.append((violated, listening.told, listening.bodies if not violated else None))
    assert readings[1:] == readings[:-1]


def _frames() -> list[bytes]:
    """A call as grpc-core sends it, in pieces that mutations put together anew."""
    block = bytes.fromhex("8386459162726f6b656e") + b"\0\x01a\x01b"
    kinds = ((0, 1), (0, 8), (1, 4), (1, 0), (1, 12), (1, 37), (2, 0), (3, 0), (4, 0), (4, 1))
    payloads = (b"", b"\0\0\0\0\2ab", b"\2" + b"a" * 9, block, b"\0\4\0\1\0\0", bytes(8))
    more = ((5, 4), (6, 0), (7, 0), (8, 0), (9, 4), (9, 0), (77, 255))
    return [
        h2_frames.frame(kind, flags, stream, payload)
        for kind, flags in kinds + more
        for payload in payloads
        for stream in (0, 1)
    ]


FRAMES = _frames()
CHECKS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "requests": (check_requests, CALLS),
    "cuts": (check_cuts, CALLS),
    "answers": (check_answers, REPLIES),
    "frames": (check_frames, FRAMES),
}
MODULES = (body, fields, head, h2_reader)


@pytest.mark.parametrize("seed", KEPT)
@pytest.mark.parametrize("name", CHECKS)
def test_mutations_of_the_corpus_are_read_alike_or_refused(name: str, seed: int) -> None:
    check, corpus = CHECKS[name]
    chance = random.Random(seed)
    for _ in range(_RUNS):
        check(mutated(chance.choice(corpus), corpus, chance))


@pytest.mark.parametrize("name", CHECKS)
def test_the_corpus_itself_is_read_alike_or_refused(name: str) -> None:
    check, corpus = CHECKS[name]
    for sample in corpus:
        check(sample)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", CHECKS)
def test_long_search_guided_by_coverage(name: str) -> None:
    seed = fresh()
    check, corpus = CHECKS[name]
    runs, lines = explore(check, corpus, MODULES, seed, soak_seconds() / len(CHECKS))
    print(f"seed {seed}: {runs} runs reached {lines} lines")
