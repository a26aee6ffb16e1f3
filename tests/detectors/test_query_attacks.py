"""Attacks across queries: found while they run, told once, and not seen where there are none."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from sidelight.log import Address
from sidelight.tensors import Columns
from sidelight_detectors.adversarial import fold
from sidelight_detectors.results.events import output_of, output_record
from sidelight_detectors.streaming.folds import Traced, Watched
from tests.detectors.querying import Stream, people, search, traffic, walk


@pytest.mark.parametrize("attack", [search, walk], ids=["one-by-one", "all-at-once"])
def test_an_attack_is_found_while_it_runs(attack: object) -> None:
    stream = Stream.of(people())
    stream.ask(traffic(0, 2000))
    queries = attack(5000, 120, 1)  # type: ignore[operator]

    for start in range(0, 120, 10):
        if stream.ask(queries.take(slice(start, start + 10)), "mallory"):
            break

    assert len(stream.raised) == 1
    assert start + 10 <= 60


def test_an_attack_is_found_in_the_midst_of_other_traffic() -> None:
    stream = Stream.of(people())
    queries, others = walk(9000, 60, 2), traffic(0, 6000)

    for number in range(60):
        stream.ask(others.take(slice(number * 100, number * 100 + 100)))
        stream.ask(queries.take(slice(number, number + 1)), "mallory")

    assert len(stream.raised) == 1
    told = stream.results[-1]
    assert {name for name, _ in told.clients} == {"mallory"}


def test_one_attack_is_one_episode_though_it_moves() -> None:
    stream = Stream.of(people())
    stream.ask(traffic(0, 2000))
    stream.ask(walk(5000, 400, 3), "mallory")
    stream.ask(traffic(2000, 3000))

    assert len(stream.raised) == 1
    assert stream.results[-1].count > 200


def test_ordinary_people_are_no_attack() -> None:
    stream = Stream.of(people())
    stream.ask(traffic(0, 8000), each=500)

    assert stream.outputs == []
    assert stream.fold.queries > 7000


def test_the_same_rows_again_are_no_attack() -> None:
    stream = Stream.of(people())
    batch = traffic(0, 300)
    for _ in range(12):
        stream.ask(batch, "scheduler", each=300)
    one = traffic(300, 301)
    for _ in range(60):
        stream.ask(one, "retrying")

    assert stream.outputs == []
    assert stream.fold.queries <= 301


def test_a_sorted_batch_is_no_attack_where_batches_come() -> None:
    rows = traffic(0, 1000)
    stream = Stream.of(people(), batch=1000)
    stream.ask(rows.take(np.argsort(rows["age"].values, kind="stable")))

    assert stream.raised == []


def test_an_alarm_names_target_client_and_sequence() -> None:
    stream = Stream.of(people())
    stream.ask(traffic(0, 1000))
    stream.ask(walk(5000, 100, 4), "mallory")
    (alarm,) = stream.raised
    told = stream.results[-1]

    assert told.episode == alarm.id
    assert told.target.address.offset >= 1000
    offsets = [query.address.offset for query in told.queries]
    assert offsets == sorted(offsets)
    assert told.count > 80
    assert told.expected < 1
    assert told.evidence >= told.threshold
    assert f"around {told.target}" in told.text
    assert "mallory (" in told.text


def test_an_attack_that_stops_is_over() -> None:
    stream = Stream.of(people(), quiet_seconds=60.0)
    stream.ask(walk(5000, 100, 5))
    assert stream.fold.saved()["raised"]

    assert stream.wait(30.0) == []
    stream.wait(90.0)

    raised, cleared = stream.alarms
    assert (cleared.change, cleared.reason, cleared.raised_by) == ("cleared", "quiet", raised.id)
    assert stream.results[-1].is_over
    assert stream.fold.saved()["raised"] == []


def test_the_end_of_a_plan_ends_its_attacks() -> None:
    stream = Stream.of(people())
    stream.ask(walk(5000, 100, 5))
    outputs = list(stream.fold.close())

    assert [getattr(one, "change", "") for one in outputs] == ["", "cleared"]


def test_what_is_said_comes_back_from_the_log() -> None:
    stream = Stream.of(people())
    stream.ask(walk(5000, 100, 6), "mallory")

    assert stream.outputs
    for output in stream.outputs:
        assert output_of(output_record(output)) == output
    assert str(Address.parse(str(stream.results[0].target.address)))


@pytest.mark.parametrize("memory", [1000, 100_000])
def test_after_a_crash_it_goes_on_to_the_same_bytes(memory: int) -> None:
    parts = [traffic(0, 1500), walk(5000, 150, 7), traffic(1500, 4000), search(6000, 80, 8)]
    whole = Stream.of(people(), memory=memory, quiet_seconds=600.0)
    states = []
    for part in Columns.concatenate(parts), traffic(1000, 2000):
        for start in range(0, len(part), 97):
            whole.ask(part.take(slice(start, start + 97)), each=97)
            states.append(whole.state)
    assert whole.raised

    for dies in range(3, len(states), 11):
        again = Stream.of(people(), memory=memory, quiet_seconds=600.0)
        again.fold.restore(orjson.loads(states[dies]))
        oldest = again.fold.needs_from
        assert oldest is not None
        for at in range(oldest, dies + 1):
            again.fold.remember(Traced(whole.traces[at], at, 0))
        for at in range(dies + 1, len(states)):
            again.outputs += again.fold.accept(Traced(whole.traces[at], at, 0))
            assert again.state == states[at]
        assert again.outputs == whole.outputs[len(whole.outputs) - len(again.outputs) :]


def test_what_is_too_old_is_forgotten() -> None:
    stream = Stream.of(people(), memory_seconds=50.0)
    queries, others = walk(5000, 100, 9), traffic(0, 5000)
    for number in range(100):
        stream.ask(queries.take(slice(number, number + 1)))
        stream.ask(others.take(slice(number * 50, number * 50 + 50)))

    assert stream.raised == []


def test_the_promise_says_what_it_rests_on() -> None:
    part = people().parts["adversarial"]

    assert "one false episode in 100,000" in part.promise  # type: ignore[attr-defined]
    assert part.fold(Watched("income", "plan")).needs_from is None  # type: ignore[attr-defined]


def test_one_client_is_one_episode_wherever_he_begins_again() -> None:
    stream = Stream.of(people())
    stream.ask(traffic(0, 1000))
    for seed, victim in enumerate((5000, 6000, 7000)):
        stream.ask(walk(victim, 60, seed), "mallory")

    assert len(stream.raised) == 1
    assert stream.fold.episodes[0].count > 120


def test_many_attacks_at_once_do_not_hide_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "MAX_EPISODES", 3)
    stream = Stream.of(people())
    for seed, victim in enumerate((5000, 5300, 6000, 6300, 7000, 7300)):
        stream.ask(walk(victim, 40, seed), f"client {seed}")

    named = {told.clients[0][0] for told in stream.results}
    assert named == {f"client {seed}" for seed in range(6)}
    assert len(stream.fold.episodes) == 3
    assert stream.fold.crowded == len(stream.raised) - 3
    assert {one.reason for one in stream.alarms if one.change == "cleared"} == {"crowded"}
