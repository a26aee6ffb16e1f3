"""How tensors and texts become feature columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from sidelight.config.section import Section


class PcaSettings(Section):
    """Principal components of the reference's tensors."""

    components: int = Field(default=16, ge=1, le=256)
    """Feature columns, those that vary most first; fewer when the reference varies in fewer."""


class ProjectionSettings(Section):
    """Sums of all elements under random signs; nothing is learned."""

    components: int = Field(default=16, ge=1, le=256)
    """Feature columns."""
    seed: int = Field(default=0, ge=0, lt=1 << 32)
    """Chooses the signs."""


class TfidfSettings(Section):
    """Words hashed into buckets, weighed by rarity, reduced to principal directions."""

    components: int = Field(default=16, ge=1, le=256)
    """Feature columns."""
    buckets: int = Field(default=8192, ge=64, le=1 << 17)
    """Places that words are hashed into; two words in one place are not told apart."""


class OnnxSettings(Section):
    """A trained encoder in an ``.onnx`` file; needs onnxruntime."""

    path: Path
    """The model; its first input gets one row at a time. It is kept in the fitted reference."""
    sha256: str | None = None
    """Refuse the file unless it has this hash."""
    output: str | None = None
    """The output that is the embedding; the first with fractional numbers when not set."""
    components: int = Field(default=16, ge=1, le=1024)
    """A wider embedding is reduced to so many principal components."""
    layout: Literal["same", "chw", "hwc", "flat"] = "same"
    """Images: how the model wants them: as they are sent, channels first, channels last, or flat.
    A missing channel axis of one is added."""
    scale: float = Field(default=1.0, gt=0)
    """Images: each element is multiplied by this first (1/255 for a model that wants 0..1) ..."""
    mean: tuple[float, ...] = ()
    """... then this is taken off, one number or one a channel ..."""
    std: tuple[float, ...] = ()
    """... and it is divided by this."""
    tokenizer: Path | None = None
    """Texts: a ``tokenizer.json``; needs the package tokenizers. Without one the model gets the
    text itself, or its bytes in UTF-8 where it takes whole numbers."""
    length: int = Field(default=256, ge=1, le=1 << 16)
    """Texts: tokens or bytes at most; the rest of a longer text is not seen."""


class EncodeSettings(Section):
    """The encoders of one column, by name. Short forms: ``pca``, ``[statistics, pca]`` and
    ``{method: pca, components: 8}``."""

    statistics: bool = False
    """Images: mean, contrast and sharpness of each channel. Texts: length, words, shares of unknown
    words, digits, punctuation, control characters and scripts."""
    pca: PcaSettings | None = None
    projection: ProjectionSettings | None = None
    tfidf: TfidfSettings | None = None
    onnx: OnnxSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_short_forms(cls, given: Any) -> Any:
        if isinstance(given, str):
            return _merged([given])
        if isinstance(given, list):
            return _merged(given)
        return _named(given) if isinstance(given, dict) and "method" in given else given

    @property
    def methods(self) -> tuple[str, ...]:
        """Those that are asked for, in the order of their columns."""
        return tuple(name for name in type(self).model_fields if getattr(self, name))


def _merged(parts: list[Any]) -> dict[str, Any]:
    pairs = [pair for part in parts for pair in _pairs(part)]
    merged = dict(pairs)
    if len(merged) < len(pairs):
        raise ValueError("a method is named twice; one column has each method once")
    return merged


def _pairs(part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, str):
        yield part, True if part == "statistics" else {}
    elif isinstance(part, Mapping):
        yield from (_named(part) if "method" in part else part).items()
    else:
        raise ValueError(f"{part!r} is no encoder; write a method's name or its settings")


def _named(part: Mapping[str, Any]) -> dict[str, Any]:
    method, rest = str(part["method"]), {k: v for k, v in part.items() if k != "method"}
    if method == "onnx":
        # A path is read from the file's folder, which is known for settings that stand by name.
        raise ValueError("write an onnx encoder by name: {onnx: {path: ...}}")
    return {method: True if method == "statistics" and not rest else rest}


DEFAULTS: Mapping[str, EncodeSettings] = {
    "image": EncodeSettings(statistics=True, pca=PcaSettings()),
    "tensor": EncodeSettings(pca=PcaSettings()),
    "text": EncodeSettings(statistics=True, tfidf=TfidfSettings()),
}
"""By the kind of column, where nothing else is asked for."""

METHODS: Mapping[str, tuple[str, ...]] = {
    "image": ("statistics", "pca", "projection", "onnx"),
    "tensor": ("pca", "projection", "onnx"),
    "text": ("statistics", "tfidf", "onnx"),
}
"""What a column of each kind can be encoded by."""
