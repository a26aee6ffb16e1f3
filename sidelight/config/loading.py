"""Loads the configuration: flags over environment over file over defaults, setting by setting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from sidelight.config.checks import faults
from sidelight.config.document import read
from sidelight.config.fields import LOG_URL, SPOOL, Key, key_of
from sidelight.config.layers import (
    CONFIG_VARIABLE,
    Flags,
    Layer,
    from_environment,
    from_file,
    from_flags,
    merged,
    nested,
)
from sidelight.config.refusals import Refusal, refusals
from sidelight.config.settings import Settings
from sidelight.errors import ConfigError

DEFAULT_FILE = Path("sidelight.yaml")


@dataclass(frozen=True)
class Loaded:
    """What is in force, and where each value came from."""

    settings: Settings
    file: Path | None
    origins: Mapping[Key, str]
    """Of every setting that does not have its default."""

    def origin(self, path: str | Key) -> str:
        """``flag``, ``environment SIDELIGHT_...``, ``file:line`` or ``default``.

        `path` is ``logger.listen``, or a tuple of keys where a name holds a dot.
        """
        return self.origins.get(_nearest(self.origins, key_of(path)), "default")


def load(
    path: Path | None = None,
    flags: Flags = MappingProxyType({}),
    environ: Mapping[str, str] = os.environ,
) -> Loaded:
    """The configuration from `path`, else ``SIDELIGHT_CONFIG``, else ``sidelight.yaml`` if there.

    `flags` are settings by key (``logger.listen``, or a tuple), None for one that was not given.
    A relative path in the file is relative to the file's folder, also the default places.
    Raises `ConfigError` with one line for each thing that is wrong.
    """
    file = _file(path, environ)
    written = from_file(read(file), file) if file else Layer()
    beside = _beside(file.parent) if file else Layer()
    over = (from_environment(environ, written.origins), from_flags(flags))
    layer = merged((beside, written, *over))
    settings = _validated(layer)
    wrong = [Refusal(fault.key, fault.message) for fault in faults(settings)]
    if wrong:
        raise _error(wrong, layer)
    given = (key for key, value in layer.values.items() if value != {})
    leaves = {key: layer.origins.get(key, "default") for key in given}
    return Loaded(settings, file, MappingProxyType(leaves))


def _file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    if path is not None:
        return path
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _beside(folder: Path) -> Layer:
    """The default places, in the folder of the file."""
    usual = Settings()
    return Layer({LOG_URL: str(folder / usual.log.url), SPOOL: folder / usual.logger.spool})


def _validated(layer: Layer) -> Settings:
    try:
        return Settings.model_validate(nested(layer.values))
    except ValidationError as exc:
        raise _error(refusals(exc, layer.origins), layer) from exc


def _error(wrong: list[Refusal], layer: Layer) -> ConfigError:
    places = [(_nearest(layer.origins, one.key), one.message) for one in wrong]
    order = {key: position for position, key in enumerate(layer.origins)}
    places.sort(key=lambda place: order.get(place[0], len(order)))
    lines = (f"{layer.origins.get(key, 'default')}: {message}" for key, message in places)
    return ConfigError("\n".join(lines))


def _nearest(origins: Mapping[Key, str], key: Key) -> Key:
    """The key itself, or the nearest above it that was set as a whole."""
    above = (key[:length] for length in range(len(key), 0, -1))
    return next((one for one in above if one in origins), ())
