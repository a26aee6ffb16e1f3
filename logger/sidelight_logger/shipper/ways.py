"""Opens the way that a route goes: how its records are delivered, and which of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass

from sidelight.config.brokers import SCHEME, KafkaAddress, is_kafka
from sidelight.config.capturing.sink_faults import said_of
from sidelight.config.settings import LogSettings, Settings, SinkSettings
from sidelight.errors import ConfigError
from sidelight.events.store import open_store
from sidelight.log import Log, open_log
from sidelight.log.contract import Reader
from sidelight.log.topics import INFERENCE
from sidelight_logger.shipper.carrying.choosing import Choice, chosen, everything, with_events
from sidelight_logger.shipper.carrying.fates import Delivery
from sidelight_logger.shipper.files.filing import Filing
from sidelight_logger.shipper.files.places import place_at
from sidelight_logger.shipper.http.counting import Counted, PostCounts
from sidelight_logger.shipper.http.later import following
from sidelight_logger.shipper.http.posting import Posting
from sidelight_logger.shipper.http.sink import HttpSink
from sidelight_logger.shipper.log.appending import Appending
from sidelight_logger.shipper.log.outsized import Outsized
from sidelight_logger.shipper.routes import LOG
from sidelight_logger.wire.sinks import Posts

OTLP = "otlp+"
"""Before the scheme of an OpenTelemetry collector's address."""


@dataclass(frozen=True)
class Way:
    """What is carried, and by what."""

    delivery: Delivery
    choice: Choice = everything
    posts: Callable[[], Mapping[str, Posts]] = dict
    """What became of its posts, if it makes any."""


def way(name: str, settings: Settings, source: Reader, closed: ExitStack) -> Way:
    """The way of that route; what it opens ends with `closed`."""
    if name == LOG:
        log, outsized = _opened(settings.log, settings, closed)
        return Way(Appending(log, INFERENCE, "exchange", outsized))
    sink = settings.logger.sinks[name]
    choice = chosen(sink.only)
    if sink.url.startswith(OTLP):
        return _to_collector(name, sink, choice, closed)
    if sink.form == "kserve":
        choice = with_events(choice)
    if is_kafka(sink.url):
        return Way(_to_topic(name, sink, settings, closed), choice)
    if not sink.url.startswith(("http://", "https://")):
        return Way(Filing(place_at(f"logger.sinks.{name}.url", sink.url), sink), choice)
    counts = PostCounts()
    sinks = [Counted(HttpSink(sink), counts) for _ in range(sink.lanes)]
    posting = Posting(sinks, sink.form, following(source, choice))
    return Way(closed.enter_context(closing(posting)), choice, counts.read)


def _to_topic(name: str, sink: SinkSettings, settings: Settings, closed: ExitStack) -> Appending:
    # The topic is somebody else's: it stands there as it is, behind no prefix.
    address = KafkaAddress.parse(sink.url)
    brokers = LogSettings(url=SCHEME + ",".join(address.servers), kafka=sink.kafka)
    log, outsized = _opened(brokers, settings, closed)
    return Appending(log, address.prefix, sink.form, outsized, said_of(("logger", "sinks", name)))


def _to_collector(name: str, sink: SinkSettings, choice: Choice, closed: ExitStack) -> Way:
    try:
        from sidelight_logger.shipper.traces.collector import Tracing, wants_spans
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"logger.sinks.{name}: spans need {exc.name}; pip install 'sidelight[otel]'"
        ) from exc
    posted = sink.model_copy(update={"url": sink.url.removeprefix(OTLP)})
    collector = closed.enter_context(closing(HttpSink(posted)))
    return Way(Tracing(collector), wants_spans(choice))


def _opened(brokers: LogSettings, settings: Settings, closed: ExitStack) -> tuple[Log, Outsized]:
    store = None if settings.log.store is None else open_store(settings.log.store)
    return closed.enter_context(closing(open_log(brokers))), Outsized(store)
