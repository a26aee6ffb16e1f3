"""What `sidelight up` says at its start: what is watched, and every address."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight import __version__
from sidelight.config import Listen, Loaded
from sidelight.config.listing import shown
from sidelight.config.services import asks, grpc_upstream, named, receiver, recorded, upstream
from sidelight.config.settings import ModelSettings, Settings
from sidelight.log.scope import place
from sidelight.probes import key_place


def banner(loaded: Loaded, services: tuple[str, ...]) -> Iterator[str]:
    """The lines of the banner."""
    settings = loaded.settings
    yield f"Sidelight {__version__}"
    rows = [
        ("configuration", str(loaded.file or "environment")),
        ("log", log_place(settings.log.url)),
        *(spool_place(settings) if "logger" in services else ()),
        *probes_place(settings),
        *(("watched", _watched(name, model)) for name, model in settings.models.items()),
        *(() if "logger" in services else [("traffic", _NOT_LOGGED)]),
        *(row for service in services for row in _ADDRESSES[service](settings)),
    ]
    for title, text in rows:
        yield f"  {title:<14} {text}"
    yield ""


_NOT_LOGGED = "not logged here: run 'sidelight logger --upstream URL' for each model server"


def log_place(url: str) -> str:
    """Where the log lies and what it survives there."""
    found = place(url)
    return shown(url) if found is None else found.sentence


def spool_place(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where exchanges wait for a log that is not on this machine."""
    url = recorded(settings).url
    if url != settings.log.url:
        yield "spool", log_place(url)


def probes_place(settings: Settings) -> Iterator[tuple[str, str]]:
    """Where the key lies that tells what Sidelight asks from traffic, where somebody asks."""
    if not asks(settings):
        return
    place = key_place(settings)
    yield "probes", _NO_KEY if place is None else f"known by the key in {place}"


_NO_KEY = "count as traffic: set probes.key_file, which a log on Kafka needs to tell them apart"


def _watched(name: str, model: ModelSettings) -> str:
    parts = (*named(model.detectors), *named(model.explainers))
    return f"{name}: {', '.join(parts) or 'logged only'}"


def _logger(settings: Settings) -> Iterator[tuple[str, str]]:
    listen, metrics = Listen.parse(settings.logger.listen), Listen.parse(settings.logger.metrics)
    if server := upstream(settings) or grpc_upstream(settings):
        yield "traffic", f"{listen.url}  ->  {shown(server)}"
    yield "metrics", f"{metrics.url}/metrics  (logger)"


def _receiver(settings: Settings) -> Iterator[tuple[str, str]]:
    asked = receiver(settings)
    url = Listen.parse(asked.listen).url
    if asked.cert_file is not None:
        url = url.replace("http://", "https://", 1)
    who = "whoever reaches it" if asked.token is None else "whoever shows the token"
    yield "events", f"POST {url}  ({who})"
    yield "metrics", f"{url}/metrics  (receiver)"


def _joiner(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.joiner.source is not None:
        yield "foreign", shown(settings.joiner.source)
    yield "metrics", f"{Listen.parse(settings.joiner.listen).url}/metrics  (joiner)"


def _detectors(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "metrics", f"{Listen.parse(settings.detectors.listen).url}/metrics  (detectors)"


def _explainers(settings: Settings) -> Iterator[tuple[str, str]]:
    url = Listen.parse(settings.explainers.listen).url
    yield "metrics", f"{url}/metrics  (explainers)"
    yield "API", f"{url}/openapi.json"
    for name, model in settings.models.items():
        if named(model.explainers):
            yield "explain", f"POST {url}/v1/models/{name}:explain"


def _dashboard(settings: Settings) -> Iterator[tuple[str, str]]:
    url = Listen.parse(settings.dashboard.listen).url
    secure = url.replace("http://", "https://", 1)
    yield "dashboard", secure if settings.dashboard.cert_file else url


_ADDRESSES = {
    "logger": _logger,
    "receiver": _receiver,
    "joiner": _joiner,
    "detectors": _detectors,
    "explainers": _explainers,
    "dashboard": _dashboard,
}
