"""The model that is explained, as explainers know it."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.config.explaining.method import MethodSettings, Modality
from sidelight.config.explaining.modality import modality_of
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError
from sidelight.tensors import Columns
from sidelight_explainers.contents.content import Content
from sidelight_explainers.explanation import Box, Explanation
from sidelight_explainers.quality import Quality
from sidelight_explainers.reference.background import (
    Background,
    choose_background,
    medoid_background,
)
from sidelight_explainers.reference.ordering import ordered_features


@dataclass(frozen=True, eq=False)
class Subject:
    """One model of the file. `reference` holds its features only, in the model's order; None where
    there is no reference, which texts and pictures can do without. `table` is the whole reference,
    `recent` what clients sent lately, newest first, None where it was not read.
    """

    name: str
    settings: ModelSettings
    features: tuple[str, ...]
    reference: Columns | None = None
    table: Columns | None = None
    recent: Columns | None = None

    @property
    def key(self) -> str:
        """Where errors say that the setting is."""
        return f"models.{self.name}"

    @property
    def modality(self) -> Modality:
        """What the players are: of a lone text or image its words or superpixels, else features."""
        return modality_of(self.settings.features)

    def output(self, options: MethodSettings) -> str | None:
        """The output to explain; None is the first."""
        predictor = self.settings.predictor
        return options.output or (predictor.output if predictor else None)

    def rows(self) -> Columns:
        """The reference's features; `ConfigError` when there is no reference."""
        if self.reference is None:
            raise ConfigError(f"{self.key}.explainers needs {self.key}.reference: CSV or Parquet")
        return self.reference

    def background(self, size: int, seed: int) -> Background:
        """At most so many rows in random order, from where `explainers.background_from` says."""
        wanted = self.settings.explainers.background_from
        if wanted == "medoids":
            return medoid_background(self.rows(), ordered_features(self), size, seed)
        recent = self.recent
        if wanted == "log" and recent is not None and len(recent) >= size:
            return choose_background(recent, recent.names, size, seed, "recent traffic")
        return choose_background(self.rows(), self.features, size, seed)

    def explanation(
        self,
        method: str,
        options: MethodSettings,
        content: Content,
        quality: Quality,
        box: Box = "blackbox",
    ) -> Explanation:
        """The content in its envelope, with the options that were in force."""
        told = options.model_dump(mode="json", include=set(options.open_to_requests(self.modality)))
        return Explanation(
            self.name, method, told, content, quality, box, glossary=self.settings.glossary
        )
