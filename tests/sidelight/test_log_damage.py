"""Damaged segment files: what can be saved is, what is lost is said, and the log goes on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sidelight.errors import LogError
from sidelight.log.local import LocalLog, segment, shelf, sqlite
from tests.sidelight.log_places import append, numbered, numbers, read_all, segments, settings

COUNT = 200
Damage = Callable[[Path, random.Random], None]


def flip_bytes(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes() or b" ")
    for _ in range(rng.choice([1, 3, 40])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def flip_header(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes().ljust(100))
    data[rng.randrange(100)] ^= 0xFF
    path.write_bytes(data)


def blank_pages(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes().ljust(segment.PAGE_BYTES))
    for _ in range(2):
        page = rng.randrange(len(data) // segment.PAGE_BYTES) * segment.PAGE_BYTES
        data[page : page + segment.PAGE_BYTES] = bytes(segment.PAGE_BYTES)
    path.write_bytes(data)


def swap_pages(path: Path, rng: random.Random) -> None:
    size = segment.PAGE_BYTES
    data = bytearray(path.read_bytes().ljust(size))
    one, other = (rng.randrange(len(data) // size) * size for _ in range(2))
    data[one : one + size], data[other : other + size] = (
        data[other : other + size],
        data[one : one + size],
    )
    path.write_bytes(data)


def truncate(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size + 1)])


def empty(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


def garbage(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.randbytes(path.stat().st_size))


def remove(path: Path, rng: random.Random) -> None:
    path.unlink()


def foreign(path: Path, rng: random.Random) -> None:
    """Another partition's segment, whole, under this one's name."""
    path.unlink()
    segment.create(path, segment.Mark(10_000_000, 0, None, True, ""))


ALL: list[Damage] = [
    flip_bytes,
    flip_header,
    blank_pages,
    swap_pages,
    truncate,
    empty,
    garbage,
    remove,
    foreign,
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of `COUNT` records in several segments, left as a killed process leaves it."""
    place = tmp_path_factory.mktemp("sound") / "log"
    log = LocalLog(settings(place))
    append(log, 0, COUNT)
    log.close()
    newest = sqlite.connect(segments(place)[-1])
    newest.execute("UPDATE mark SET clean = 0")
    newest.close()
    assert len(segments(place)) >= 5
    return place


def check(place: Path, *, append_first: bool) -> None:
    """After any damage: nothing wrong is read, nothing is lost unsaid, nothing is given twice."""
    log = LocalLog(settings(place))
    added: list[int] = []
    if append_first:
        added = append(log, COUNT, COUNT + 20)
    found = read_all(log)
    if not append_first:
        added = append(log, COUNT, COUNT + 20)
        found = read_all(log)
    offsets = [stored.address.offset for stored in found]
    assert offsets == sorted(set(offsets))
    kept = numbers(found)
    expected = numbered(0, COUNT + 20)
    assert [stored.record for stored in found] == [expected[n] for n in kept]
    assert min(added) >= COUNT
    assert added == sorted(set(added)) == offsets[-20:]
    lost = set(range(COUNT)) - set(kept)
    said = [(damage.begin, damage.end) for damage in log.damage]
    begin = log.span("inference", 0).begin
    assert all(n < begin or any(b <= n < e for b, e in said) for n in lost)
    log.close()
    again = LocalLog(settings(place))
    assert numbers(read_all(again)) == kept
    assert append(again, 0, 1)[0] > added[-1]
    again.close()


@pytest.mark.parametrize("append_first", [True, False], ids=["append", "read"])
@pytest.mark.parametrize("which", [0, 2, -1], ids=["first", "middle", "newest"])
@pytest.mark.parametrize("damage", ALL)
def test_a_damaged_segment_costs_no_more_than_is_said(
    sound: Path, tmp_path: Path, damage: Damage, which: int, append_first: bool
) -> None:
    place = tmp_path / "log"
    shutil.copytree(sound, place)
    damage(segments(place)[which], random.Random(f"{damage.__name__}{which}"))
    check(place, append_first=append_first)


def test_when_every_segment_is_garbage_the_log_says_so_and_goes_on(
    sound: Path, tmp_path: Path
) -> None:
    place = tmp_path / "log"
    shutil.copytree(sound, place)
    for path in segments(place):
        garbage(path, random.Random(path.name))
    log = LocalLog(settings(place))
    assert read_all(log) == []
    assert sum(min(damage.end, COUNT) - damage.begin for damage in log.damage) == COUNT
    begin = max(damage.end for damage in log.damage)
    assert append(log, 0, 3) == [begin, begin + 1, begin + 2]
    assert numbers(read_all(log)) == [0, 1, 2]
    log.close()


@pytest.mark.parametrize("append_first", [True, False], ids=["append", "read"])
@pytest.mark.parametrize("step", ["draft", "add", "set_aside", "put"])
def test_a_repair_that_was_cut_short_is_done_again(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, append_first: bool
) -> None:
    place = tmp_path / "log"
    shutil.copytree(sound, place)
    blank_pages(segments(place)[-1], random.Random(3))

    def cut(*_: object) -> None:
        raise LogError("cut short")

    monkeypatch.setattr(shelf.Shelf, step, cut)
    log = LocalLog(settings(place))
    with pytest.raises(LogError, match="cut short"):
        append(log, 0, 1)
    monkeypatch.undo()
    log.close()
    check(place, append_first=append_first)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(150))
def test_any_damage_costs_no_more_than_is_said(sound: Path, tmp_path: Path, seed: int) -> None:
    place = tmp_path / "log"
    shutil.copytree(sound, place)
    rng = random.Random(seed)
    for _ in range(rng.choice([1, 1, 2, 3])):
        rng.choice(ALL[:-1])(rng.choice(segments(place)), rng)
    check(place, append_first=rng.random() < 0.5)
