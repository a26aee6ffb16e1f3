"""What every method of explaining can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sidelight.config.section import Section

Modality = Literal["tabular", "text", "image"]
Scope = Literal["local", "global"]


class MethodSettings(Section):
    """One method of one model; a request may set most of it for itself."""

    MODALITIES: ClassVar[tuple[Modality, ...]] = ("tabular",)
    """What the explained inputs may be."""
    SCOPE: ClassVar[Scope] = "local"
    """local: explains each row. global: explains the model over many rows."""
    CONFIGURED: ClassVar[frozenset[str]] = frozenset({"max_budget", "max_deadline_seconds"})
    """Settings that a request may not touch."""
    OF_INPUTS: ClassVar[Mapping[str, Modality]] = {}
    """Settings that mean something for inputs of one kind only."""

    output: str | None = Field(default=None, min_length=1, max_length=200)
    """The output explained: ``NAME``, ``NAME[INDEX]`` of several numbers a row, or ``NAME=CLASS``,
    which is 1 where the output is that class; the predictor's `output` when not set."""
    budget: int = Field(default=2048, ge=2)
    """Rows the predictor may be asked for, for one explanation."""
    max_budget: int = Field(default=32768, ge=2)
    """The largest budget that a request may set for itself."""
    deadline_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """An explanation ends after this time with what it has by then."""
    max_deadline_seconds: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """The longest deadline that a request may set for itself."""
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    """Seeds all that is drawn."""

    @model_validator(mode="after")
    def _within_the_largest(self) -> Self:
        for name in ("budget", "deadline_seconds"):
            told, largest = getattr(self, name), getattr(self, f"max_{name}")
            if told > largest:
                raise ValueError(f"{name!r} is {told}, more than 'max_{name}' allows: {largest}")
        return self

    @property
    def scope(self) -> Scope:
        """What this one explains."""
        return self.SCOPE

    def overridden(self, wishes: Mapping[str, Any]) -> Self:
        """With what a request wishes, section by section; raises pydantic's `ValidationError` where
        it does not fit."""
        told = self.model_dump(exclude_unset=True)
        within = {name: self._within(name, told, wish) for name, wish in wishes.items()}
        return self.model_validate({**told, **within})

    def _within(self, name: str, told: Mapping[str, Any], wish: Any) -> Any:
        if isinstance(getattr(self, name, None), Section) and isinstance(wish, dict):
            return {**told.get(name, {}), **wish}
        return wish

    @classmethod
    def open_to_requests(cls, modality: Modality) -> tuple[str, ...]:
        """The names that a request about such inputs may set."""
        named = [name for name in cls.model_fields if name not in cls.CONFIGURED]
        return tuple(name for name in named if cls.OF_INPUTS.get(name, modality) == modality)
