"""Request headers that detectors read, and whether the logger keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight.config.checks import Fault
from sidelight.config.fields import Key, dotted
from sidelight.config.services import configured
from sidelight.config.settings import ModelSettings, Settings


def header_faults(settings: Settings) -> Iterator[Fault]:
    """Headers that the logger of the same file does not keep: nobody would ever read them."""
    if "logger" not in configured(settings):
        return
    redacted = {name.lower() for name in settings.logger.redact.headers}
    kept = {name.lower() for name in settings.logger.headers} - redacted
    for name, model in settings.models.items():
        for setting, header in _read(model):
            if header.lower() in kept:
                continue
            key = ("models", name, *setting)
            way_out = (
                "take it out of logger.redact.headers, or read another"
                if header.lower() in redacted
                else "add it to logger.headers"
            )
            yield Fault(
                key, f"{dotted(key)} is {header}, a header that the logger does not keep; {way_out}"
            )


def _read(model: ModelSettings) -> Iterator[tuple[Key, str]]:
    detectors = model.detectors
    if detectors.adversarial and detectors.adversarial.client:
        yield ("detectors", "adversarial", "client"), detectors.adversarial.client
    protected = detectors.bias.protected if detectors.bias else {}
    for name, attribute in protected.items():
        place = ("detectors", "bias", "protected", name)
        if attribute.header:
            yield (*place, "header"), attribute.header
        if attribute.key_header:
            yield (*place, "key_header"), attribute.key_header
