"""The wire between proxy and recorder: whatever the cuts, what goes in comes out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import LimitExceeded, MalformedPayload
from sidelight.events.exchange import Outcome
from sidelight_logger.wire.acknowledgements import Acknowledgements, encode_acknowledgement
from sidelight_logger.wire.captures import Capture, Side, encode
from sidelight_logger.wire.frames import Decoder, Outsized
from sidelight_logger.wire.sinks import SINK_DROPS, SinkStats, encode_stats

OUTCOMES: list[Outcome] = ["answered", "unanswered", "abandoned"]
U64 = st.integers(0, 2**64 - 1)
sides = st.builds(Side, st.binary(max_size=60), st.binary(max_size=60), U64)
hashes = st.just(b"") | st.binary(min_size=32, max_size=32).filter(any)
hashed = st.builds(replace, sides, sha256=hashes)
captures = st.builds(
    Capture,
    st.binary(min_size=16, max_size=16),
    U64,
    U64,
    st.sampled_from(OUTCOMES),
    hashed,
    hashed,
)
stats = st.builds(
    SinkStats,
    st.text(max_size=20),
    delivered=U64,
    waiting=U64,
    dropped=st.dictionaries(st.sampled_from(SINK_DROPS), U64),
)


def encoded(frame: Capture | SinkStats) -> bytes:
    return b"".join(encode(frame)) if isinstance(frame, Capture) else encode_stats(frame)


def cut(data: bytes, step: int) -> list[bytes]:
    return [data[start : start + step] for start in range(0, len(data), step)]


@given(st.lists(captures | stats, max_size=6), st.integers(1, 400))
def test_frames_survive_any_cut_of_the_stream(frames: list[Capture | SinkStats], step: int) -> None:
    decoder = Decoder()
    stream = b"".join(map(encoded, frames))
    assert [frame for part in cut(stream, step) for frame in decoder.feed(part)] == frames


@given(st.binary(min_size=1, max_size=300))
def test_noise_is_refused_or_waits_for_more(noise: bytes) -> None:
    decoder = Decoder(max_frame_bytes=1000)
    try:
        list(decoder.feed(noise))
    except MalformedPayload:
        return


@given(captures, st.data())
def test_a_damaged_capture_never_decodes_to_another_shape(
    capture: Capture, data: st.DataObject
) -> None:
    stream = bytearray(encoded(capture))
    at = data.draw(st.integers(38, 62))
    stream[at] ^= data.draw(st.integers(1, 255))
    try:
        frames = list(Decoder().feed(bytes(stream)))
    except MalformedPayload:
        return
    for frame in frames:
        assert isinstance(frame, Capture)


def test_a_frame_above_the_limit_that_is_no_capture_is_refused_before_it_is_held() -> None:
    with pytest.raises(LimitExceeded, match="a frame of 1048576 bytes"):
        list(Decoder(max_frame_bytes=1000).feed((1 << 20).to_bytes(4, "little") + b"\2"))


@given(st.lists(captures, min_size=1, max_size=4), st.integers(1, 900), st.integers(1, 3))
def test_captures_above_the_limit_are_passed_over_and_told(
    small: list[Capture], step: int, every: int
) -> None:
    large = replace(small[0], request=Side(b"x" * 1000, b"y" * 1000, 1000))
    sent = [one for capture in small for one in [capture, *[large] * every]]
    stream = b"".join(map(encoded, sent))
    decoder = Decoder(max_frame_bytes=1000)
    found = [frame for part in cut(stream, step) for frame in decoder.feed(part)]
    outsized = Outsized(len(encoded(large)))
    assert found == [outsized if one is large else one for one in sent]


def test_truncation_is_told_by_the_whole_size() -> None:
    assert Side(b"", b"abc", 4).truncated
    assert not Side(b"", b"abc", 3).truncated


@given(st.lists(U64, min_size=1, max_size=8), st.integers(1, 40))
def test_the_last_whole_acknowledgement_counts(counts: list[int], step: int) -> None:
    acknowledgements = Acknowledgements()
    stream = b"".join(map(encode_acknowledgement, counts))
    answers = [acknowledgements.feed(part) for part in cut(stream, step)]
    assert answers[-1] == counts[-1]
