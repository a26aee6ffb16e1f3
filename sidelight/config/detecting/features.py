"""What a watched column is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sidelight.config.detecting.encoding import DEFAULTS, METHODS, EncodeSettings
from sidelight.config.section import Section

Kind = Literal["numeric", "categorical", "image", "tensor", "text"]


class FeatureSettings(Section):
    """What a column is. Short forms: ``age: numeric``, ``sex: {categories: [female, male]}``,
    ``picture: image``."""

    kind: Kind
    """numeric: ordered, compared by KS. categorical: compared by chi-squared. image, tensor (an
    embedding), text: compared by what `encode` makes of them."""
    categories: tuple[str | int | float | bool, ...] = ()
    """The known categories; taken from the reference when empty."""
    min: float | None = Field(default=None, allow_inf_nan=False)
    """numeric: what `schema` calls `below` is a number under this, and not under the reference's
    smallest. The smallest itself is allowed."""
    max: float | None = Field(default=None, allow_inf_nan=False)
    """numeric: likewise, what is `above`."""
    shape: tuple[int, ...] = ()
    """The shape of an image that is sent flat, such as ``[28, 28]``; the reference's when empty."""
    encode: EncodeSettings | None = None
    """What an image (statistics and pca when not set), a tensor (pca) or a text (statistics and
    tfidf) is encoded by: numeric columns such as ``picture.pca0``, watched like any other."""

    @model_validator(mode="after")
    def _encodes_what_it_can(self) -> FeatureSettings:
        known = METHODS.get(self.kind, ())
        if not known and (self.encode or self.shape):
            raise ValueError(f"{self.kind} columns are not encoded; leave 'encode' and 'shape' out")
        asked = self.encode.methods if self.encode else known
        if strange := [method for method in asked if method not in known]:
            raise ValueError(f"{self.kind} has no encoder {strange[0]!r}; use {', '.join(known)}")
        if known and not asked:
            raise ValueError(f"'encode' names no encoder; use {', '.join(known)}, or leave it out")
        if any(length < 1 for length in self.shape):
            raise ValueError(f"'shape' is {list(self.shape)}; every axis has 1 element at least")
        return self

    @model_validator(mode="after")
    def _declares_a_range(self) -> FeatureSettings:
        if self.kind != "numeric" and (self.min, self.max) != (None, None):
            raise ValueError(f"{self.kind} columns have no range; leave 'min' and 'max' out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"'min' {self.min:g} is above 'max' {self.max:g}; exchange them")
        return self

    @property
    def encoding(self) -> EncodeSettings | None:
        """The encoders, also when they were left to the kind; None for a plain column."""
        return self.encode or DEFAULTS.get(self.kind)


def _feature(value: Any) -> Any:
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and "categories" in value and "kind" not in value:
        return {"kind": "categorical", **value}
    return value


class _Categories(Section):
    """The short form ``{categories: [female, male]}``, for the schema."""

    categories: tuple[str | int | float | bool, ...]


Feature = Annotated[
    FeatureSettings,
    BeforeValidator(_feature, json_schema_input_type=Kind | FeatureSettings | _Categories),
]
