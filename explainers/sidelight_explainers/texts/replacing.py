"""What stands where words are absent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

import numpy as np
from numpy.random import Generator

from sidelight.config.explaining.players import TextSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column
from sidelight_explainers.texts.units import Split

Sampler = Callable[[Sequence[str], int, Generator], Sequence[Sequence[str]]]
"""``sampler(words, samples, rng)``: for each sample a replacement for each word."""

POOL = 100_000
"""The most words of the reference that are drawn from."""


def imported(path: str) -> Sampler:
    """The function that ``MODULE:FUNCTION`` names; `ConfigError` when it is not there."""
    module, _, name = path.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as exc:
        raise ConfigError(f"sampler {path!r} cannot be imported: {exc}") from exc
    if not callable(found):
        raise ConfigError(f"sampler {path!r} is no function")
    return found  # type: ignore[no-any-return]


def from_texts(texts: Column, split: Split) -> Sampler:
    """Words drawn from those of the texts, as often as they occur."""
    pool: list[str] = []
    for text in texts.values:
        pool += [text[start:end] for start, end in split(text)]
        if len(pool) >= POOL:
            break
    return _drawing(np.array(pool, object))


def _drawing(pool: np.ndarray[tuple[int], np.dtype[np.object_]]) -> Sampler:
    def draw(words: Sequence[str], samples: int, rng: Generator) -> Sequence[Sequence[str]]:
        drawn: list[list[str]] = pool[rng.integers(len(pool), size=(samples, len(words)))].tolist()
        return drawn

    return draw


def replacements(
    words: Sequence[str], options: TextSettings, sampler: Sampler | None, seed: int
) -> list[list[str]]:
    """For each background a replacement for each word; the empty text removes a word.

    Raises `DataMismatch` when words are to be sampled and there is nothing to sample them from, or
    the sampler's answer has another form.
    """
    if options.absent == "removed":
        return [[""] * len(words)]
    if options.absent == "unknown":
        return [[options.unknown] * len(words)]
    if sampler is None:
        raise DataMismatch("option text.absent: 'sampled' needs words.sampler or a reference")
    drawn = sampler(words, options.samples, np.random.default_rng(seed))
    told = [[str(one) for one in sample] for sample in drawn]
    if len(told) != options.samples or any(len(sample) != len(words) for sample in told):
        raise DataMismatch(
            f"words.sampler gave {len(told)} samples of {sorted({len(one) for one in told})[:5]}"
            f" words; asked were {options.samples} of {len(words)}"
        )
    return told
