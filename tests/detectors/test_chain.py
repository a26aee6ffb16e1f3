"""How far event time has come when some partitions are quiet."""

from __future__ import annotations

from sidelight_detectors.streaming.chain import Chain
from sidelight_detectors.streaming.panes import Pane


def run(partition: int, begin: int, end: int, watermark: int) -> Pane:
    return Pane("m", "p", partition, begin, end, watermark, 1)


def quiet(partition: int, at: int, watermark: int) -> Pane:
    return run(partition, at, at, watermark)


def test_a_partition_of_which_nothing_is_known_holds_all_back() -> None:
    chain = Chain(2)
    chain.accept(run(0, 0, 5, 100))
    assert chain.watermark_ns == 0


def test_a_quiet_partition_holds_the_others_back_no_further_than_they_have_come() -> None:
    chain = Chain(3)
    chain.accept(run(0, 0, 5, 100))
    chain.accept(run(1, 0, 5, 200))
    chain.accept(quiet(2, 0, 0))
    assert chain.watermark_ns == 100
    chain.accept(run(0, 5, 9, 300))
    assert chain.watermark_ns == 100
    chain.accept(quiet(2, 0, 0))
    assert chain.watermark_ns == 200


def test_when_all_are_quiet_and_nothing_ever_came_no_time_has_passed() -> None:
    chain = Chain(2)
    for _ in range(3):
        chain.accept(quiet(0, 0, 0))
        chain.accept(quiet(1, 0, 0))
    assert chain.watermark_ns == 0


def test_when_all_are_quiet_time_goes_on_as_they_say() -> None:
    chain = Chain(2)
    chain.accept(run(0, 0, 5, 100))
    chain.accept(run(1, 0, 5, 110))
    chain.accept(quiet(0, 5, 160))
    chain.accept(quiet(1, 5, 170))
    assert chain.watermark_ns == 160


def test_what_a_zombie_says_of_a_place_that_was_passed_counts_for_nothing() -> None:
    chain = Chain(1)
    chain.accept(run(0, 0, 5, 100))
    assert not chain.accept(run(0, 0, 5, 100))
    assert not chain.accept(quiet(0, 4, 10_000))
    assert (chain.watermark_ns, chain.overlaps, chain.gaps) == (100, 2, 0)


def test_of_an_overlap_that_is_no_known_run_nothing_counts_twice_and_the_rest_is_a_gap() -> None:
    chain = Chain(1)
    chain.accept(run(0, 0, 5, 100))
    assert not chain.accept(run(0, 3, 8, 120))
    assert chain.accept(run(0, 8, 9, 130))
    assert (chain.overlaps, chain.gaps) == (1, 1)
