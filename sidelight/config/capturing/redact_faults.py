"""What is wrong with what is to be kept, and with what must not be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidelight.config.capturing.kept import CaptureSettings
from sidelight.config.capturing.redact import RedactSettings
from sidelight.config.fields import Key, dotted
from sidelight.config.settings import ModelSettings, Settings
from sidelight.errors import ConfigError, MissingExtra


def redact_faults(settings: Settings) -> Iterator[tuple[Key, str]]:
    """All that is wrong, each at the setting that is best put right."""
    everyones = settings.logger.redact
    yield from _of_rules(("logger", "redact"), everyones, everyones)
    if settings.logger.capture.level == "features" and not settings.models:
        yield (
            ("logger", "capture"),
            "logger.capture is features, and no model names any; set models.<model>.features, or "
            "metadata",
        )
    for name, model in settings.models.items():
        if model.redact is not None:
            yield from _of_rules(("models", name, "redact"), model.redact, everyones)
        yield from _of_level(name, model, settings.logger.capture)


def absent_keys(settings: Settings) -> Iterator[tuple[Key, str]]:
    """Keys that are not there, or too short."""
    from sidelight.redaction.keys import read_key

    sections: dict[Key, RedactSettings] = {("logger", "redact"): settings.logger.redact}
    for name, model in settings.models.items():
        if model.redact is not None:
            sections["models", name, "redact"] = model.redact
    for key, section in sections.items():
        if section.key_file is not None:
            try:
                read_key(section.key_file)
            except ConfigError as exc:
                yield (*key, "key_file"), f"{dotted((*key, 'key_file'))}: {exc}"


def _of_rules(
    key: Key, section: RedactSettings, everyones: RedactSettings
) -> Iterator[tuple[Key, str]]:
    yield from _of_paths((*key, "paths"), section.paths)
    for text in section.patterns:
        if cause := _no_pattern(text):
            yield (*key, "patterns"), f"{dotted((*key, 'patterns'))}: {cause}"
    for name, rule in section.columns.items():
        place = (*key, "columns", name)
        if rule.pattern is not None and (cause := _no_pattern(rule.pattern)):
            yield place, f"{dotted(place)}: {cause}"
        if rule.action == "hash" and section.key_file is None and everyones.key_file is None:
            wanted = dotted((*key, "key_file"))
            yield place, f"{dotted(place)} is hashed, which needs a key; set {wanted}"


def _of_paths(key: Key, paths: tuple[str, ...]) -> Iterator[tuple[Key, str]]:
    if not paths:
        return
    from sidelight.redaction.paths import compiled_path

    for text in paths:
        try:
            compiled_path(text)
        except (ConfigError, MissingExtra) as exc:
            yield key, f"{dotted(key)}: {exc}"


def _of_level(
    name: str, model: ModelSettings, everyones: CaptureSettings
) -> Iterator[tuple[Key, str]]:
    level = everyones.level
    if model.capture is not None and "level" in model.capture.model_fields_set:
        level = model.capture.level
    if level == "features" and not model.features and model.reference is None:
        key = ("models", name, "capture")
        yield (
            key,
            f"{dotted(key)} is features, and models.{name}.features names none; name them, or set "
            "metadata",
        )


def _no_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as exc:
        return f"{text!r} is no regular expression ({exc})"
    return ""
