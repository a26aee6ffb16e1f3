"""The words of state: one meaning on every page, in the API, and in reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

Word = Literal["ALARM", "WATCH", "NO DATA", "OK", "not watched"]
"""ALARM: an alarm is raised and not cleared. WATCH: no alarm, but the newest that was judged is
beyond its limit, or scoring lags. OK: judged, and within its limits. NO DATA: nothing is judged
yet, there is not enough data, or nothing was scored for `dashboard.stale_seconds`. not watched: no
detector of that kind is configured."""

Aspect = Literal["drift", "outliers", "attacks", "bias", "freshness"]

ASPECTS: tuple[Aspect, ...] = get_args(Aspect)

_WORST_FIRST: tuple[Word, ...] = get_args(Word)

_PREVAILING: tuple[Word, ...] = ("ALARM", "WATCH", "OK", "NO DATA", "not watched")


@dataclass(frozen=True, slots=True)
class Status:
    """`why` is a sentence; `since_ns` is event time, None where it is not known.

    `or_earlier` when it may have been so before, which is not looked at or not kept any more.
    `page` explains it.
    """

    word: Word
    why: str
    since_ns: int | None = None
    or_earlier: bool = False
    page: str = ""


def worse(word: Word) -> int:
    """A smaller number for a worse word, to sort by."""
    return _WORST_FIRST.index(word)


def prevailing(words: Sequence[Word]) -> Word:
    """Of many: what is wrong somewhere counts; where some have data, those without are not all."""
    return min(words, key=_PREVAILING.index, default="not watched")


def together(found: Sequence[Status]) -> Status:
    """Of one aspect's detectors: the word that prevails, with the sentences of all that say it.

    It is so since the first of them began. One without data says so too.
    """
    word = prevailing([one.word for one in found])
    told = [one for one in found if one.word == word]
    if not told:
        return Status("not watched", "")
    beside = [one for one in found if one.word == "NO DATA" and word != "NO DATA"]
    known = [one for one in told if one.since_ns is not None]
    earliest = min(known, key=lambda one: one.since_ns or 0, default=told[0])
    why = " ".join(dict.fromkeys(one.why for one in [*told, *beside]))
    return replace(told[0], why=why, since_ns=earliest.since_ns, or_earlier=earliest.or_earlier)
