"""What the players of a text or a picture are, and what stands where one is absent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from sidelight.config.explaining.method import MethodSettings, Modality
from sidelight.config.section import Section


def _pattern(text: str) -> str:
    try:
        found = re.compile(text)
    except re.error as exc:
        raise ValueError(f"{text!r} is no regular expression: {exc}") from exc
    if found.fullmatch(""):
        raise ValueError(f"{text!r} matches the empty text; let it match one character at least")
    return text


class TextSettings(Section):
    """The players of a text."""

    unit: Literal["word", "sentence"] = "word"
    """What may be absent: single words or whole sentences."""
    most: int = Field(default=512, ge=1, le=4096)
    """The most players; in a longer text (or with a small budget) neighbours are joined."""
    absent: Literal["removed", "unknown", "sampled"] = "removed"
    """What an absent word is: removed, replaced by `unknown`, or replaced by words that
    `words.sampler` gives (or that are drawn from the texts of the reference)."""
    unknown: str = Field(default="UNK", max_length=100)
    """The word for an absent one; a model that reads tokens has its own, such as ``[MASK]``."""
    samples: int = Field(default=10, ge=1, le=1000)
    """sampled: the number of replacements that are averaged over."""


class WordsSettings(Section):
    """How words are found and replaced."""

    pattern: Annotated[str, AfterValidator(_pattern)] | None = None
    """A regular expression; each match is a word, what is between stays. When not set: words with
    the punctuation at them; single characters where a script has no spaces (Chinese, Japanese,
    Thai, Lao)."""
    tokenizer: Path | None = None
    """A ``tokenizer.json`` (Hugging Face); its words are the words."""
    sampler: str | None = Field(default=None, pattern=r"^[\w.]+:\w+$")
    """``MODULE:FUNCTION`` of one's own: ``function(words, samples, rng)`` gives for each sample a
    replacement for each word."""


class PictureSettings(Section):
    """How a picture is read, and what stands where it is covered."""

    channels: Literal["first", "last"] | None = None
    """Where colours are in a row of three axes; by itself the axis of length 1, 3 or 4, the last
    when both ends have such a length."""
    range: tuple[float, float] | None = None
    """The numbers of black and white; of normalised pictures say, by itself 0 to 255 or 0 to 1
    where the picture fits, else its own smallest and largest. Only for showing and `constant`."""
    baselines: tuple[Literal["mean", "blur", "constant"], ...] = Field(
        default=("mean",), min_length=1
    )
    """What covers: the picture's mean colour, the picture blurred, one number; of several each in
    turn, averaged."""
    constant: float = Field(default=0.0, allow_inf_nan=False)
    """constant: that number, as the model gets it."""
    blur: float = Field(default=0.1, gt=0, le=1)
    """blur: the standard deviation, in parts of the picture's longer side."""


class SuperpixelSettings(PictureSettings):
    """The players of a picture."""

    segments: Literal["slic", "grid"] = "slic"
    """slic: superpixels that follow the picture's edges. grid: equal rectangles."""
    count: int = Field(default=50, ge=2, le=4096)
    """About how many; fewer with a small budget."""
    compactness: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """slic: how square they are; 1 follows every edge, 100 is nearly a grid."""


class OfTexts(MethodSettings):
    """A method whose players may be words."""

    CONFIGURED: ClassVar[frozenset[str]] = MethodSettings.CONFIGURED | {"words"}
    OF_INPUTS: ClassVar[Mapping[str, Modality]] = {"text": "text"}

    text: TextSettings = TextSettings()
    words: WordsSettings = WordsSettings()


class OfPictures(MethodSettings):
    """A method whose players may be superpixels."""

    OF_INPUTS: ClassVar[Mapping[str, Modality]] = {"image": "image"}

    image: SuperpixelSettings = SuperpixelSettings()
