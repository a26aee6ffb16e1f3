"""What a watched column is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from sidelight.config.section import Section


class FeatureSettings(Section):
    """What a column is. Short forms: ``age: numeric``, ``sex: {categories: [female, male]}``."""

    kind: Literal["numeric", "categorical"]
    """numeric: ordered, compared by KS. categorical: compared by chi-squared."""
    categories: tuple[str | int | float | bool, ...] = ()
    """The known categories; taken from the reference when empty."""


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
    BeforeValidator(
        _feature,
        json_schema_input_type=Literal["numeric", "categorical"] | FeatureSettings | _Categories,
    ),
]
