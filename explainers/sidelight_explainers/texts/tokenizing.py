"""The words that a tokenizer of Hugging Face knows."""

from __future__ import annotations

from pathlib import Path

from sidelight.errors import ArtifactError, MissingExtra
from sidelight_explainers.texts.units import Span, Split


def tokenizer_words(path: Path) -> Split:
    """Words by a ``tokenizer.json``; the parts of a word that it cuts go together again.

    Raises `ArtifactError` for a file that is none, `MissingExtra` without the library.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as exc:
        raise MissingExtra(
            f"words.tokenizer ({path}) needs tokenizers: pip install tokenizers"
        ) from exc
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # the library raises nothing more special
        raise ArtifactError(f"words.tokenizer: {path} is no tokenizer.json: {exc}") from exc

    def split(text: str) -> list[Span]:
        told = tokenizer.encode(text, add_special_tokens=False)
        return _joined(told.word_ids, told.offsets)

    return split


def _joined(numbers: list[int | None], offsets: list[Span]) -> list[Span]:
    spans: list[Span] = []
    last: int | None = None
    for number, (start, end) in zip(numbers, offsets, strict=True):
        if number is not None and number == last:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif end > start:
            spans.append((max(start, spans[-1][1] if spans else 0), end))
            last = number
    return [one for one in spans if one[1] > one[0]]
