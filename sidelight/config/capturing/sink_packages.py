"""Packages that the logger's sinks need, beside those of the extra `logger`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from sidelight.config.brokers import is_kafka
from sidelight.config.capturing.sink_faults import BUCKETS
from sidelight.config.capturing.sinks import SinkSettings
from sidelight.config.settings import Settings
from sidelight.errors import MissingExtra

_INSTALLED_AS = {
    "kafka": "'sidelight[kafka]'",
    "fsspec": "'sidelight[store]'",
    "opentelemetry.proto": "'sidelight[otel]'",
}


def require_packages(settings: Settings) -> None:
    """Raise `MissingExtra` with all that is not installed."""
    lines = [f"logger.sinks.{name} {text}" for name, text in missing_packages(settings)]
    if lines:
        raise MissingExtra("\n".join(lines))


def missing_packages(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each sink that lacks some, and what to do about it."""
    for name, sink in settings.logger.sinks.items():
        missing = [one for one in _needed(sink) if not _is_there(one)]
        if missing:
            install = " ".join(_INSTALLED_AS.get(one, one) for one in missing)
            yield name, f"needs {', '.join(missing)}; run: pip install {install}"


def _needed(sink: SinkSettings) -> Iterator[str]:
    scheme = sink.url.partition("://")[0]
    if is_kafka(sink.url):
        yield "kafka"
    if scheme.startswith("otlp+"):
        yield "opentelemetry.proto"
    if scheme in BUCKETS or scheme == "memory":
        yield "fsspec"
    if scheme in BUCKETS:
        yield BUCKETS[scheme]
    if _is_files(scheme) and sink.files.format == "parquet":
        yield "pyarrow"


def _is_files(scheme: str) -> bool:
    return scheme in BUCKETS or scheme in ("file", "memory")


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even what it is a part of
        return False
