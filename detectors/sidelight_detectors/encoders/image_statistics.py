"""Mean, contrast and sharpness of images: three numbers a channel, nothing learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import Packed
from sidelight_detectors.encoders.contract import Features
from sidelight_detectors.encoders.fixed_point import FixedPoint, fixed_point_for

CHANNELS = (2, 3, 4)
"""So many values along the last (else the first) of three axes are taken for channels."""

Units = NDArray[np.float64]
"""Whole numbers of units in float64."""


@dataclass(frozen=True)
class ImageStatistics:
    """Of each channel: the mean; the standard deviation over its elements (contrast); the root mean
    square of steps between neighbours along both axes (sharpness).

    Sees: light, exposure, fading, blur, noise, another camera. Misses: other content of the same
    look.

    Parameters
    ----------
    shape:
        Of a row: ``(h, w)``, ``(h, w, c)``, ``(c, h, w)``, or ``(d,)`` which has no sharpness.
    """

    shape: tuple[int, ...]
    fixed: FixedPoint

    @property
    def names(self) -> tuple[str, ...]:
        kinds = ("mean", "contrast", "sharpness")[: 3 if len(self.shape) > 1 else 2]
        channels = self._channel_axis
        if channels is None:
            return kinds
        return tuple(f"{kind}{one}" for one in range(self.shape[channels]) for kind in kinds)

    def encode(self, rows: NDArray[np.float32]) -> Features:
        units = self.fixed.of(rows).reshape(len(rows), *self.shape)
        found = [one for channel in self._channels(units) for one in self._of(channel)]
        return np.stack(found, axis=1) * self.fixed.unit

    def pack(self) -> Packed:
        return Packed({"shape": list(self.shape), "unit": self.fixed.unit})

    def _of(self, channel: Units) -> Iterator[Units]:
        # Sums of whole numbers, exact in any order; what follows is rounded once each, alike.
        count = channel[0].size if len(channel) else 1
        axes = tuple(range(1, channel.ndim))
        mean = channel.sum(axis=axes) / count
        yield mean
        yield np.sqrt(np.maximum(np.square(channel).sum(axis=axes) / count - mean * mean, 0))
        if channel.ndim == 3:
            steps = [np.diff(channel, axis=axis) for axis in (1, 2)]
            squares = sum(np.square(step).sum(axis=axes) for step in steps)
            yield np.sqrt(squares / max(1, sum(step[0].size for step in steps if len(step))))

    def _channels(self, units: Units) -> list[Units]:
        if self._channel_axis is None:
            return [units if units.ndim <= 3 else units.reshape(len(units), -1)]
        return list(np.moveaxis(units, self._channel_axis + 1, 0))

    @property
    def _channel_axis(self) -> int | None:
        return channel_axis(self.shape)


def channel_axis(shape: tuple[int, ...]) -> int | None:
    """The axis of the channels of an image of this shape; None when there is but one."""
    if len(shape) != 3:
        return None
    return next((axis for axis in (2, 0) if shape[axis] in CHANNELS), None)


def fit_image_statistics(rows: NDArray[np.float32], shape: tuple[int, ...]) -> ImageStatistics:
    """For rows ``(n, d)`` of that shape; only their range is learned."""
    return ImageStatistics(shape, fixed_point_for(rows))


def unpack_image_statistics(packed: Packed) -> ImageStatistics:
    shape = tuple(int(length) for length in packed.header["shape"])
    return ImageStatistics(shape, FixedPoint(float(packed.header["unit"])))
