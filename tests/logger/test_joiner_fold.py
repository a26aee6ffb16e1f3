"""Halves in any order, from any partition, sent twice or never, become the same exchanges."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.events.dataref import is_elsewhere, referring, whole
from sidelight.events.exchanges import to_record
from sidelight.events.kserve import to_events
from sidelight.events.records import to_record as event_record
from sidelight.events.store import open_store
from sidelight.log import Address, Record, Stored
from sidelight.log.topics import HALVES, INFERENCE
from sidelight_detectors.streaming.intake import Sample, WatchedColumns, take
from sidelight_logger.joiner.fold import TICK, Fold
from sidelight_logger.joiner.identity import Account, Terms
from sidelight_logger.joiner.memory import WAITING_BYTES
from tests.detectors.traffic import MODEL, exchange, plan, rows
from tests.logger.joining import (
    SECOND,
    START,
    TERMS,
    Hand,
    TimedLog,
    carry,
    contents,
    exchanges_in,
    folded,
    halves_of,
    join,
    kserve,
    letters_in,
    request_body,
    response_body,
    spread,
    stored_in,
    told,
)

SIDES = (("request", request_body), ("response", response_body))


def joined(records: list[Record], partitions: int = 1) -> TimedLog:
    foreign, ours = TimedLog(1), TimedLog(partitions)
    spread(foreign, records, [0])
    carry(foreign, ours)
    join(ours)
    return ours


def in_order(numbers: int) -> TimedLog:
    return joined([half for number in range(numbers) for half in halves_of(number)])


def test_a_pair_becomes_one_exchange() -> None:
    (exchange,) = exchanges_in(joined(halves_of(7)))
    assert (exchange.request.content, exchange.response.content) == (
        request_body(7),
        response_body(7),
    )
    assert (exchange.outcome, exchange.status, exchange.correlation_id) == (
        "answered",
        200,
        "client-7",
    )
    assert (exchange.model, exchange.protocol, exchange.duration_ns) == ("income", "v1", 5 * 10**6)
    assert exchange.id != exchange.correlation_id
    assert exchange.extensions["halves"] == "halves/0/0,halves/0/1"


numbers = st.integers(1, 12)


@given(
    numbers.flatmap(lambda count: st.permutations(range(2 * count))),
    st.lists(st.integers(0, 3), min_size=1, max_size=30),
    st.integers(1, 3),
    st.sets(st.integers(0, 23)),
)
@settings(max_examples=40, deadline=None)
def test_order_partitions_and_repeats_do_not_matter(
    order: list[int], choices: list[int], partitions: int, repeated: set[int]
) -> None:
    halves = [half for number in range(len(order) // 2) for half in halves_of(number)]
    sent = [halves[at] for at in order]
    sent += [halves[at] for at in repeated if at < len(halves)]
    foreign, ours = TimedLog(4), TimedLog(partitions)
    spread(foreign, sent, choices)
    carry(foreign, ours)
    join(ours)
    assert contents(exchanges_in(ours)) == contents(exchanges_in(in_order(len(order) // 2)))
    assert told(ours) == sorted(folded(ours), key=told(ours).index)


@given(st.permutations(range(16)), st.sets(st.integers(0, 15)))
@settings(max_examples=40, deadline=None)
def test_a_half_whose_other_never_comes_is_told_alone_when_its_time_is_over(
    order: list[int], lost: set[int]
) -> None:
    halves = [half for number in range(8) for half in halves_of(number)]
    foreign, ours = TimedLog(2), TimedLog(1)
    spread(foreign, [halves[at] for at in order if at not in lost], order)
    carry(foreign, ours)
    ours.now_ns += TERMS.ttl_ns
    ours.append(HALVES, [TICK])
    join(ours)
    expected = Counter(
        {
            (False, False): "answered",
            (False, True): "unanswered",
            (True, False): "unasked",
        }[2 * number in lost, 2 * number + 1 in lost]
        for number in range(8)
        if not {2 * number, 2 * number + 1} <= lost
    )
    found = exchanges_in(ours)
    assert Counter(one.outcome for one in found) == expected
    for one in found:
        alone = one.outcome != "answered"
        assert one.extensions.get("unpaired") == ("expired" if alone else None)


def test_nothing_is_told_alone_before_its_time() -> None:
    ours = TimedLog()
    foreign = TimedLog()
    spread(foreign, halves_of(1)[:1], [0])
    carry(foreign, ours)
    ours.now_ns += TERMS.ttl_ns - 2 * ours.step_ns
    ours.append(HALVES, [TICK])
    join(ours)
    assert not told(ours)
    ours.append(HALVES, [TICK])
    join(ours)
    assert len(told(ours)) == 1


def test_in_a_quiet_log_a_tick_lets_time_pass() -> None:
    foreign, ours, hand = TimedLog(), TimedLog(), Hand()
    spread(foreign, halves_of(1)[:1], [0])
    carry(foreign, ours)
    hand.seconds = 59.0
    (part,) = join(ours, hand=hand)
    part._member = ours.join("joiner", HALVES)
    part.step(0.0)
    assert ours.span(HALVES, 0).end == 1
    hand.seconds += 60.0
    ours.now_ns += 59 * SECOND
    part.step(0.0)
    part.step(0.0)
    assert not told(ours), "the log's clock says it is not time yet, whatever ours says"
    hand.seconds += 0.5
    ours.now_ns += 2 * SECOND
    part.step(0.0)
    assert ours.span(HALVES, 0).end == 2, "one tick a second"
    hand.seconds += 1.0
    part.step(0.0)
    part.step(0.0)
    (exchange,) = exchanges_in(ours)
    assert exchange.extensions["unpaired"] == "expired"
    hand.seconds += 1000.0
    part.step(0.0)
    part.step(0.0)
    assert ours.span(HALVES, 0).end == 3, "no tick when nothing waits"


def test_an_id_used_again_after_its_pair_is_another_pair() -> None:
    again = [
        kserve("request", 1, request_body(2)),
        kserve("response", 1, response_body(2)),
    ]
    ours = joined([*halves_of(1), *again])
    assert [exchange.request.content for exchange in exchanges_in(ours)] == [
        request_body(1),
        request_body(2),
    ]
    assert len({exchange.id for exchange in exchanges_in(ours)}) == 2


def test_the_same_pair_again_after_its_time_is_another_exchange() -> None:
    foreign, ours = TimedLog(), TimedLog()
    spread(foreign, halves_of(1), [0])
    carry(foreign, ours)
    ours.now_ns += TERMS.ttl_ns
    spread(foreign, [*halves_of(1), *halves_of(1)], [0])
    carry(foreign, ours)
    (part,) = join(ours)
    assert len(told(ours)) == 2
    assert part.fold.counts == {"paired": 4, "duplicate": 2}


def test_two_requests_of_one_id_at_once_are_never_paired() -> None:
    sent = [
        kserve("request", 1, request_body(1)),
        kserve("request", 1, request_body(2)),
        kserve("response", 1, response_body(1)),
        kserve("response", 1, response_body(2)),
        *halves_of(3),
    ]
    found = exchanges_in(joined(sent))
    assert [one.outcome for one in found] == ["unanswered"] * 2 + ["unasked"] * 2 + ["answered"]
    assert {one.extensions.get("unpaired") for one in found[:4]} == {"disputed"}


def late(number: int, record: Record) -> Record:
    """The record, `number` seconds later."""
    time = (START + timedelta(seconds=number)).isoformat().encode()
    changed = tuple((n, time if n == "ce_time" else text) for n, text in record.headers)
    return replace(record, headers=changed)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_an_id_used_again_never_pairs_a_question_with_an_older_answer(
    order: tuple[int, ...],
) -> None:
    """Two calls under one id, one after the other, whose halves come in any order."""
    sent = [
        kserve("request", 1, request_body(1)),
        kserve("response", 1, response_body(1)),
        late(9, kserve("request", 1, request_body(2))),
        late(10, kserve("response", 1, response_body(2))),
    ]
    known = {request_body(n): response_body(n) for n in (1, 2)}
    for one in exchanges_in(joined([sent[at] for at in order])):
        if one.outcome == "answered" and one.response.content != known[one.request.content]:
            asked, answered = order.index(0), order.index(3)
            assert max(asked, answered) < min(order.index(1), order.index(2))


def test_where_happenings_are_not_told_the_order_of_sending_means_nothing() -> None:
    """KServe before 0.18 sends when it comes to it, and under load in any order."""
    request, response = (without(half, "ce_recordedtime") for half in halves_of(1))
    (found,) = exchanges_in(joined([response, late(5, request)]))
    assert found.outcome == "answered"


def without(record: Record, name: str) -> Record:
    return replace(record, headers=tuple(header for header in record.headers if header[0] != name))


def test_our_own_halves_pair_by_the_exchange_whatever_id_the_client_chose() -> None:
    """Two calls at once under one id: the request of the second, the answer of the first, first."""
    first, second = (
        [kserve(side, 1, body(number), exchangeid=f"x{number}") for side, body in SIDES]
        for number in (1, 2)
    )
    found = exchanges_in(joined([second[0], first[1], first[0], second[1]]))
    assert {one.outcome for one in found} == {"answered"}
    assert {(one.request.content, one.response.content) for one in found} == {
        (request_body(number), response_body(number)) for number in (1, 2)
    }


def test_a_transformer_and_its_predictor_may_log_under_one_id() -> None:
    outer, inner = halves_of(1, component="transformer"), halves_of(1)
    found = exchanges_in(joined([outer[0], *inner, outer[1]]))
    assert [one.extensions["component"] for one in found] == ["predictor", "transformer"]


@pytest.mark.parametrize("attributes", [0, 20, 200])
def test_what_waits_takes_no_more_memory_than_is_counted(attributes: int) -> None:
    more = {f"a{n}": f"value-{n:03d}" for n in range(attributes)}
    sent = [kserve("request", number, request_body(number), **more) for number in range(500)]
    fold = Fold(Account("log", 0, 0, TERMS))
    tracemalloc.start()
    for offset, record in enumerate(sent):
        headers = tuple((name, bytes(bytearray(text))) for name, text in record.headers)
        copied = replace(record, value=bytes(bytearray(record.value)), headers=headers)
        fold.take(Stored(Address("halves", 0, offset), copied, 1))
    del headers, copied
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= fold.memory.bytes < 3 * taken


@pytest.mark.parametrize("away", [(0,), (1,), (0, 1)])
def test_halves_whose_data_lies_in_a_store_are_scored_with_it(
    tmp_path: Path, away: tuple[int, ...]
) -> None:
    """As our own sink writes them to a topic that does not take them whole."""
    store = open_store(f"file://{tmp_path}/bodies")
    sent = exchange(rows(3, 1), 7)
    halves = [event_record(half) for half in to_events(sent, 0)]
    for number in away:
        halves[number] = referring(halves[number], store)
    [found] = exchanges_in(joined(halves))
    assert is_elsewhere(found)
    again = whole(found, store)
    assert (again.request, again.response) == (sent.request, sent.response)
    stored = Stored(Address("inference", 0, 0), to_record(found), 2**62)
    watched = {MODEL: WatchedColumns.by(replace(plan(), store=store))}
    model, taken = take(stored, watched, lambda _: True)
    assert model == MODEL
    assert isinstance(taken, Sample)
    assert len(taken.columns) == 3


def test_two_halves_of_one_id_with_other_data_in_the_store_are_no_repeat(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/bodies")
    sent = [referring(kserve("request", 1, request_body(n)), store) for n in (1, 2)]
    found = exchanges_in(joined(sent))
    assert [one.extensions["unpaired"] for one in found] == ["disputed"] * 2
    assert [whole(one, store).request.content for one in found] == [request_body(n) for n in (1, 2)]


def test_above_its_memory_the_oldest_are_told_early() -> None:
    foreign, ours = TimedLog(), TimedLog()
    spread(foreign, [kserve("request", number, request_body(number)) for number in range(40)], [0])
    carry(foreign, ours)
    (part,) = join(ours, Terms(TERMS.ttl_ns, 10 * (WAITING_BYTES + 2000)))
    found = exchanges_in(ours)
    assert part.fold.memory.bytes <= part.fold.account.terms.max_bytes
    assert part.fold.counts["crowded"] == len(found) > 20
    assert [one.correlation_id for one in found] == [f"client-{n}" for n in range(len(found))]
    assert {one.extensions["unpaired"] for one in found} == {"crowded"}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Record(b"hello"), "no CloudEvent"),
        (Record(b"", b"", (("ce_specversion", b"1.0"), ("ce_id", b"1"))), "source"),
        (kserve("training", 1, b"{}"), "is 'org.kubeflow.serving.inference.training'"),
        (kserve("request", 1, b"{}", metadata="[]"), "metadata"),
        (kserve("response", 1, b"{}", statuscode="fine"), "statuscode"),
    ],
)
def test_what_is_not_read_is_a_dead_letter_with_its_place(record: Record, message: str) -> None:
    ours = joined([*halves_of(1), record, *halves_of(2)])
    (letter,) = letters_in(ours)
    assert dict(letter.headers)["ce_subject"] == b"knative-broker-prod-default/0/2"
    assert message.encode() in letter.value
    assert len(told(ours)) == 2


def test_what_somebody_else_wrote_among_the_halves_is_a_dead_letter_too() -> None:
    ours = TimedLog()
    ours.append(HALVES, [Record(b"?")])
    (part,) = join(ours)
    assert part.fold.counts == {"malformed": 1}
    assert len(letters_in(ours)) == 1


def test_other_terms_begin_another_account_where_the_old_one_ended() -> None:
    foreign, ours = TimedLog(), TimedLog()
    spread(foreign, [*halves_of(1), halves_of(2)[0]], [0])
    carry(foreign, ours)
    join(ours)
    spread(foreign, [halves_of(2)[1]], [0])
    carry(foreign, ours)
    (part,) = join(ours, Terms(30 * SECOND, TERMS.max_bytes))
    first, second = exchanges_in(ours)
    assert first.log_id == second.log_id, "what the one before may have said keeps its numbers"
    assert part.fold.account.terms.ttl_ns == 30 * SECOND
    spread(foreign, halves_of(3), [0])
    carry(foreign, ours)
    join(ours, Terms(30 * SECOND, TERMS.max_bytes))
    third = exchanges_in(ours)[-1]
    assert third.log_id != first.log_id
    assert third.sequence == 1


def test_records_of_inference_stand_under_their_ids() -> None:
    ours = in_order(20)
    keys = [stored.record.key for stored in stored_in(ours, INFERENCE)]
    assert keys == [exchange.id.encode() for exchange in exchanges_in(ours)]
