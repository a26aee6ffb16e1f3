"""Whole rows with less detail: the columns that a squeezer knows are changed, others stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.features import FeatureSettings
from sidelight.config.detecting.squeezing import SqueezingSettings
from sidelight.errors import ConfigError
from sidelight.tensors import Column, Columns
from sidelight_detectors.encoders.image_statistics import channel_axis
from sidelight_detectors.encoders.tensor_form import TensorForm, tensor_form
from sidelight_detectors.outliers.design import numbers_with_nan
from sidelight_detectors.squeezing.images import BitDepth, Images, Median, NonLocalMeans

COLOUR_BITS = 5

Squeeze = Callable[[Column], Column]


@dataclass(frozen=True, eq=False)
class Squeezer:
    """Squeezes the columns of `by`, by name."""

    name: str
    by: Mapping[str, Squeeze]

    def __call__(self, rows: Columns) -> Columns:
        squeezed = (self.by.get(column.name, _as_it_is)(column) for column in rows)
        return Columns(tuple(squeezed), rows.parameters)


@dataclass(frozen=True)
class Pictures:
    """A column of images, on its way through one of `images`."""

    form: TensorForm
    filter: Callable[[Images], Images]

    def __call__(self, column: Column) -> Column:
        images = column.values.reshape(len(column), *self.form.shape) / self.form.top
        axis = channel_axis(self.form.shape)
        images = images[..., None] if axis is None else np.moveaxis(images, axis + 1, 3)
        found = self.filter(images.astype(np.float64)) * self.form.top
        found = found[..., 0] if axis is None else np.moveaxis(found, 3, axis + 1)
        return replace(column, values=_as(column, found.reshape(column.values.shape)))


@dataclass(frozen=True, eq=False)
class Rounding:
    """Numbers to the nearest of `levels`, ascending; of two as near to the smaller one.

    Raises `DataMismatch` for a column of anything else.
    """

    levels: NDArray[np.float64]

    def __call__(self, column: Column) -> Column:
        values = numbers_with_nan(column)
        place = np.searchsorted(self.levels, values).clip(1, len(self.levels) - 1)
        low, high = self.levels[place - 1], self.levels[place]
        nearest = np.where(values - low <= high - values, low, high)
        kept = np.where(np.isnan(values), column.values.reshape(len(column)), nearest)
        return replace(column, values=_as(column, kept))


def fit_squeezers(
    reference: Columns, features: Mapping[str, FeatureSettings], settings: SqueezingSettings
) -> tuple[Squeezer, ...]:
    """Those for images and those for numbers, as far as there are such features.

    Raises `ConfigError` when there are none, or an image has neither of the scales 0..1 and 0..255.
    """
    found = (
        *_for_images(reference, features, settings),
        *_for_numbers(reference, features, settings),
    )
    if not found:
        raise ConfigError("no feature is an image or a number of several values; none to squeeze")
    return found


def _for_images(
    reference: Columns, features: Mapping[str, FeatureSettings], settings: SqueezingSettings
) -> Iterator[Squeezer]:
    kinds = features.items()
    forms = [tensor_form(reference[name], one) for name, one in kinds if one.kind == "image"]
    if not forms:
        return
    for form in forms:
        if not form.top or len(form.shape) < 2:
            raise ConfigError(
                f"column {form.name!r}: images of shape {list(form.shape)}, on neither scale of "
                "0..1 and 0..255; set the feature's 'shape', or send one of the scales"
            )
    has_colours = any(channel_axis(form.shape) is not None for form in forms)
    means = settings.non_local_means
    for one in (
        BitDepth(settings.bits or (COLOUR_BITS if has_colours else 1)),
        Median(settings.median),
        NonLocalMeans(means.search, means.patch, means.strength),
    ):
        yield Squeezer(one.name, {form.name: Pictures(form, one) for form in forms})


def _for_numbers(
    reference: Columns, features: Mapping[str, FeatureSettings], settings: SqueezingSettings
) -> Iterator[Squeezer]:
    names = [name for name, one in features.items() if one.kind == "numeric"]
    for count in settings.quantiles:
        levels = {name: _levels(reference[name], count) for name in names}
        by = {name: Rounding(one) for name, one in levels.items() if len(one) > 1}
        if by:
            yield Squeezer(f"quantiles-{count}", by)


def _levels(column: Column, count: int) -> NDArray[np.float64]:
    """Values of the reference in the middle of each of `count` parts of equal size."""
    values = numbers_with_nan(column)
    values = values[np.isfinite(values)]
    if not len(values):
        return values
    middles = (np.arange(count) + 0.5) / count
    return np.unique(np.quantile(values, middles, method="inverted_cdf"))


def _as(column: Column, values: NDArray[np.float64]) -> NDArray[np.generic]:
    """In the column's own type."""
    kind = column.values.dtype
    return (np.rint(values) if kind.kind in "iub" else values).astype(kind)


def _as_it_is(column: Column) -> Column:
    return column


def stacked(rows: Columns, squeezers: Sequence[Squeezer]) -> Columns:
    """The rows, and behind them those of each squeezer: ``(1 + k) n`` rows."""
    return Columns.concatenate([rows, *(squeeze(rows) for squeeze in squeezers)])
