"""Texts as games: opened once for a model, then a game for each text."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config.explaining.players import OfTexts, TextSettings, WordsSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tensors import Column, Columns
from sidelight_explainers.games.lone import lone
from sidelight_explainers.games.text import TextGame
from sidelight_explainers.subject import Subject
from sidelight_explainers.texts.replacing import Sampler, from_texts, imported, replacements
from sidelight_explainers.texts.units import Split, matches, sentence_of, words

ROWS_A_PLAYER = 2
"""The fewest rows of the budget for each player and background; neighbours are joined otherwise."""


@dataclass(frozen=True)
class TextGames:
    """Makes games of one model's texts."""

    feature: str
    split: Split
    sampler: Sampler | None = None

    def __call__(self, rows: Columns, options: OfTexts) -> TextGame:
        """The game of one row; `DataMismatch` for what is no text."""
        column = lone(rows, self.feature)
        text = _text(column)
        found = self.split(text)
        sentences = sentence_of(text, found)
        told = [text[start:end] for start, end in found]
        replaced = replacements(told, options.text, self.sampler, options.seed)
        most = max((options.budget - 2) // (ROWS_A_PLAYER * len(replaced)), 1)
        units = _units(sentences, options.text, min(options.text.most, most))
        raw = column.kind == "bytes"
        return TextGame.of(self.feature, text, found, units, sentences, replaced, raw)


def open_texts(subject: Subject, settings: OfTexts) -> TextGames:
    """Raises `ConfigError`, `ArtifactError`, `MissingExtra` for settings that cannot be used."""
    split = _split(settings.words)
    return TextGames(subject.features[0], split, _sampler(subject, settings, split))


def _split(settings: WordsSettings) -> Split:
    if settings.tokenizer is not None:
        from sidelight_explainers.texts.tokenizing import tokenizer_words

        return tokenizer_words(settings.tokenizer)
    return words if settings.pattern is None else matches(settings.pattern)


def _sampler(subject: Subject, settings: OfTexts, split: Split) -> Sampler | None:
    if settings.words.sampler is not None:
        return imported(settings.words.sampler)
    if subject.reference is not None:
        return from_texts(subject.reference[subject.features[0]], split)
    if settings.text.absent == "sampled":
        raise ConfigError(
            f"{subject.key}.explainers: text.absent is 'sampled'; set words.sampler, or"
            f" {subject.key}.reference to draw words from"
        )
    return None


def _text(column: Column) -> str:
    if column.kind not in ("string", "bytes") or column.is_tensor:
        shape = f" of shape {column.values.shape[1:]}" if column.is_tensor else ""
        raise DataMismatch(f"feature {column.name!r} holds a {column.kind}{shape}; send one text")
    value = column.values[0]
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError as exc:
        raise DataMismatch(f"feature {column.name!r} is no UTF-8: {exc}") from exc


def _units(sentences: list[int], options: TextSettings, most: int) -> list[int]:
    """The unit of each word, with so many units at most."""
    told = sentences if options.unit == "sentence" else list(range(len(sentences)))
    count = told[-1] + 1 if told else 0
    return [one * most // count for one in told] if count > most else told
