"""Which services a configuration asks for, and what they find out from more than one setting."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight.config.brokers import is_kafka
from sidelight.config.capturing.receiving import ReceiverSettings
from sidelight.config.section import Section
from sidelight.config.settings import LogSettings, ModelSettings, Settings

_GRPC = ("grpc://", "grpcs://")

SERVICES = ("logger", "receiver", "joiner", "detectors", "explainers", "dashboard")
"""In the order in which traffic meets them."""

ASKING = frozenset({"squeezing", "flips"})
"""Detectors that ask the model."""


def named(section: Section) -> tuple[str, ...]:
    """The parts of the section that are there: of ``detectors``, those that run."""
    return tuple(name for name, value in section if isinstance(value, Section | dict))


def upstream(settings: Settings) -> str | None:
    """The model server behind the logger: its own setting, else the only predictor's address.

    A server that is asked over gRPC is none: see `grpc_upstream`.
    """
    urls = {url for url in _predictor_urls(settings) if not url.startswith(_GRPC)}
    return settings.logger.upstream or (urls.pop() if len(urls) == 1 else None)


def grpc_upstream(settings: Settings) -> str | None:
    """The model server's gRPC, when it has an address of its own: found likewise."""
    urls = {url for url in _predictor_urls(settings) if url.startswith(_GRPC)}
    return settings.logger.grpc_upstream or (urls.pop() if len(urls) == 1 else None)


def _predictor_urls(settings: Settings) -> Iterator[str]:
    """Those of gRPC with their scheme, which they may be written without."""
    for model in settings.models.values():
        if model.predictor is not None and model.predictor.url:
            url = model.predictor.url
            is_bare = model.predictor.protocol == "grpc" and "://" not in url
            yield f"grpc://{url}" if is_bare else url


def receiver(settings: Settings) -> ReceiverSettings:
    """The receiver's settings, its defaults where the file does not name it."""
    return settings.receiver or ReceiverSettings()


def served_as(name: str, model: ModelSettings) -> str:
    """What exchanges call the model of that name."""
    return model.predictor.name if model.predictor and model.predictor.name else name


def asks(settings: Settings) -> bool:
    """Whether Sidelight itself asks a model server: to explain, or to look for what is hidden."""
    return any(
        model.predictor is not None
        and model.predictor.url is not None
        and (named(model.explainers) or ASKING & set(named(model.detectors)))
        for model in settings.models.values()
    )


def recorded(settings: Settings) -> LogSettings:
    """The log on this machine that the logger writes: the log itself, or the spool before it."""
    log = settings.log
    if not is_kafka(log.url):
        return log
    return LogSettings(
        url=str(settings.logger.spool),
        durability=log.durability,
        segment_bytes=min(log.segment_bytes, settings.logger.spool_bytes),
        retain_bytes=settings.logger.spool_bytes,
    )


def configured(settings: Settings) -> tuple[str, ...]:
    """The services that have something to do."""
    models = settings.models.values()
    wanted = {
        "logger": any((upstream(settings), grpc_upstream(settings), settings.logger.socket)),
        "receiver": settings.receiver is not None,
        "joiner": settings.joiner.source is not None or settings.receiver is not None,
        "detectors": any(named(model.detectors) for model in models),
        "explainers": any(named(model.explainers) for model in models),
        "dashboard": settings.dashboard.enabled and any(named(model.detectors) for model in models),
    }
    return tuple(service for service in SERVICES if wanted[service])
