"""Attacks on texts: words are spoilt or replaced until the answer changes.

`spoil` is DeepWordBug (Gao et al., S&P Workshops 2018): the words that matter most, by what the
answer is without them, are misspelt one after the other. `replace` is the greedy search of Kuleshov
et al. ("Adversarial examples for natural language classification problems", 2018): of some
replacements of every word the best is kept, step by step; here they are other words of the same
beginning. Both see probabilities.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sidelight.tensors import Columns
from tests.detectors.attacking.attempts import Attempt, Enough, Oracle
from tests.detectors.attacking.targets import Probabilities, Target

Words = list[str]
Judge = Callable[[list[Words]], NDArray[np.float64]]
"""The probability of the true class of each text."""

KEPT = 0.6
"""The share of its words that a text must keep to mean the same."""

RESTARTS = 100

ALIKE = 4
"""Replacements tried of a word."""


def attempt(
    target: Target, family: str, victim: int, limit: int, ask: Probabilities | None = None
) -> Attempt:
    """One attack, begun again with other replacements as long as it may ask."""
    start = str(target.victims["text"].values[victim]).split()
    truth = int(target.probabilities(target.victims.take(slice(victim, victim + 1))).argmax())

    def is_success(row: Columns, answer: int) -> bool:
        words = row["text"].values[0].split()
        same = sum(a == b for a, b in zip(start, words, strict=False))
        return answer != truth and same >= KEPT * len(start)

    oracle = Oracle(ask or target.probabilities, limit, is_success)

    def judge(texts: list[Words]) -> NDArray[np.float64]:
        return oracle(Columns.of(text=[" ".join(words) for words in texts]))[:, truth]

    with suppress(Enough):
        _restarted(FAMILIES[family], start, judge, vocabulary(target))
    return Attempt(target.name, family, victim, oracle.queries, oracle.success)


Search = Callable[[Words, Judge, "Replacements"], None]
Replacements = Callable[[str], Sequence[str]]


def _restarted(search: Search, start: Words, judge: Judge, known: Mapping[str, Words]) -> None:
    for seed in range(RESTARTS):
        random = np.random.default_rng(seed)
        search(start, judge, partial(_alike, known=known, random=random))


def _spoil(start: Words, judge: Judge, alike: Replacements) -> None:
    whole = judge([start])[0]
    without = [start[:place] + start[place + 1 :] for place in range(len(start))]
    importance = whole - np.concatenate([judge([words]) for words in without])
    words = list(start)
    for place in np.argsort(-importance):
        words[place] = _misspelt(words[place], alike(words[place]))
        if judge([words])[0] < 0.5:
            return


def _misspelt(word: str, alike: Sequence[str]) -> str:
    """Two neighbours change places, in the middle of a long word; of a short one a letter is lost.

    Where it is comes from the first of the words that look alike.
    """
    at = 1 + len("".join(alike)) % max(1, len(word) - 2)
    if len(word) < 4:
        return word[:-1] or "_"
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :] if at + 1 < len(word) else word[1:]


def _replace(start: Words, judge: Judge, alike: Replacements) -> None:
    words, best = list(start), judge([start])[0]
    for _ in range(max(1, int(len(start) * (1 - KEPT)))):
        tried = list(_changed(words, alike))
        found = np.concatenate([judge([one]) for one in tried]) if tried else np.ones(1)
        if found.min() >= best:
            return
        words, best = tried[int(found.argmin())], found.min()
        if best < 0.5:
            return


def _changed(words: Words, alike: Replacements) -> Iterator[Words]:
    for place, word in enumerate(words):
        for other in alike(word):
            yield [*words[:place], other, *words[place + 1 :]]


def _alike(word: str, known: Mapping[str, Words], random: np.random.Generator) -> Words:
    found = [one for one in known.get(word[:3].lower(), []) if one != word.lower()]
    chosen = random.permutation(len(found))[:ALIKE]
    return [found[place] for place in chosen]


def vocabulary(target: Target) -> Mapping[str, Words]:
    """Words of the reference by their first three letters: anybody has read such texts."""
    known: dict[str, set[str]] = {}
    for text in target.reference["text"].values:
        for word in re.findall(r"[a-z]{3,}", text.lower()):
            known.setdefault(word[:3], set()).add(word)
    return {start: sorted(words) for start, words in known.items()}


FAMILIES: Mapping[str, Search] = {"spoil": _spoil, "replace": _replace}
"""By name."""
