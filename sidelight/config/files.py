"""Whether the files that a configuration names are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sidelight.config.fields import Key, dotted
from sidelight.config.loading import Loaded
from sidelight.config.settings import Settings
from sidelight.errors import ConfigError


def require_files(loaded: Loaded) -> None:
    """Raise `ConfigError` with one line for each file that is not there.

    Not part of loading: a service does not need the files of another, which may run elsewhere.
    """
    lines = [
        f"{loaded.origin(key)}: {dotted(key)}: there is no file {path}"
        for key, path in _named(loaded.settings)
        if not path.exists()
    ]
    if lines:
        raise ConfigError("\n".join(lines))


def _named(settings: Settings) -> Iterator[tuple[Key, Path]]:
    for name, model in settings.models.items():
        if model.reference is not None:
            yield ("models", name, "reference"), model.reference
        if model.predictor is not None and model.predictor.model is not None:
            yield ("models", name, "predictor", "model"), model.predictor.model
