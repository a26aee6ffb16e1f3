"""Exchange ids: version 7, in the order they were minted."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sidelight.events.ids import IdMint, id_text


def test_an_id_is_a_uuid_of_version_seven() -> None:
    id_ = IdMint()()
    parsed = uuid.UUID(bytes=id_)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert id_text(id_) == str(parsed)


def test_the_example_of_the_rfc_is_reproduced() -> None:
    time_ns = 0x017F22E279B0 * 1_000_000 + 797_608
    mint = IdMint(lambda: time_ns, lambda _: 0x18C4DC0C0C07398F)
    assert id_text(mint()) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_many_ids_are_distinct_and_sorted() -> None:
    mint = IdMint()
    ids = [mint() for _ in range(20_000)]
    assert ids == sorted(set(ids))


@given(st.lists(st.integers(0, 2**80), min_size=2, max_size=50))
def test_ids_grow_even_when_the_clock_goes_back(clock: list[int]) -> None:
    ticks = iter([tick % 2**67 for tick in clock])
    mint = IdMint(lambda: next(ticks))
    ids = [mint() for _ in clock]
    assert ids == sorted(set(ids))
