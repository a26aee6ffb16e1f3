"""What an ONNX encoder is fed with: an image in its layout, or a text in its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ConfigError, MissingExtra
from sidelight_detectors.encoders.image_statistics import channel_axis

Inputs = Mapping[str, tuple[Any, tuple[int | None, ...]]]
"""dtype and shape of each of a model's inputs."""

Feed = dict[str, NDArray[Any]]


class Feeding(Protocol):
    def feed(self, row: Any, inputs: Inputs) -> Feed:
        """A batch of this one row."""
        ...


@dataclass(frozen=True)
class ImageFeeding:
    """An image of `shape`, laid out and scaled as the model wants it; other tensors likewise."""

    shape: tuple[int, ...]
    layout: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def feed(self, row: NDArray[np.float32], inputs: Inputs) -> Feed:
        name, (dtype, wanted) = next(iter(inputs.items()))
        image = self._laid_out(self._scaled(row.reshape(self.shape)))
        return {name: _ranked(image, wanted).astype(dtype)}

    def _scaled(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        axis = channel_axis(self.shape)
        place = tuple(-1 if one == axis else 1 for one in range(len(self.shape)))
        scaled = image * np.float32(self.scale)
        for numbers, act in ((self.mean, np.subtract), (self.std, np.divide)):
            if numbers:
                told = np.array(numbers, np.float32)
                scaled = act(scaled, told.reshape(place) if len(told) > 1 else told)
        return scaled

    def _laid_out(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.layout == "flat":
            return image.ravel()
        axis = channel_axis(self.shape)
        if self.layout == "same" or image.ndim < 2:
            return image
        last = self.layout == "hwc"
        if axis is None:
            return np.expand_dims(image, -1 if last else 0)
        return np.moveaxis(image, axis, -1 if last else 0)


def _ranked(image: NDArray[np.float32], wanted: Sequence[int | None]) -> NDArray[np.float32]:
    """With a batch axis, and a channel axis where the model has one more."""
    batch = image[None]
    if len(wanted) == 2:
        return batch.reshape(1, -1)
    if len(wanted) == batch.ndim + 1:
        return np.expand_dims(batch, -1 if wanted[-1] == 1 else 1)
    return batch


@dataclass(frozen=True)
class TextFeeding:
    """A text as itself, where the model takes strings, or as its bytes in UTF-8, 0 behind them."""

    length: int

    def feed(self, row: str, inputs: Inputs) -> Feed:
        name, (dtype, wanted) = next(iter(inputs.items()))
        if dtype is np.object_:
            return {name: np.array([row], object).reshape((1,) * max(1, len(wanted)))}
        if np.dtype(dtype).kind not in "iu":
            raise ConfigError(
                f"the onnx encoder's input {name!r} takes {np.dtype(dtype)}; of a text it can have "
                "strings, bytes or tokens"
            )
        fixed = wanted[1] if len(wanted) > 1 else None
        content = row.encode("utf-8", "surrogatepass")[: fixed or self.length]
        ids = np.zeros((1, fixed or max(1, len(content))), dtype)
        ids[0, : len(content)] = np.frombuffer(content, np.uint8)
        return {name: ids}


@dataclass(frozen=True, eq=False)
class TokenFeeding:
    """A text as tokens: ids, and the mask and types that sentence encoders take beside them."""

    tokenizer: Any

    def feed(self, row: str, inputs: Inputs) -> Feed:
        # Tokenizers is Rust and refuses what is no Unicode.
        found = self.tokenizer.encode(row.encode("utf-8", "replace").decode())
        known = {
            "input_ids": found.ids,
            "attention_mask": found.attention_mask,
            "token_type_ids": found.type_ids,
        }
        if strange := [name for name in inputs if name not in known]:
            raise ConfigError(f"the onnx encoder takes {strange}; known are {list(known)}")
        return {name: np.array([known[name]], dtype) for name, (dtype, _) in inputs.items()}


def token_feeding(content: bytes, length: int) -> TokenFeeding:
    """By the content of a ``tokenizer.json``, cut at `length` tokens."""
    try:
        from tokenizers import Tokenizer  # type: ignore[import-not-found,unused-ignore]
    except ImportError as exc:
        raise MissingExtra(
            f"'tokenizer' needs the package tokenizers ({exc}); run: pip install tokenizers"
        ) from exc
    tokenizer = Tokenizer.from_str(content.decode())
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    return TokenFeeding(tokenizer)
