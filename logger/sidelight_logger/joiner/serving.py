"""`sidelight joiner`: from the configuration to two loops, and back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager

import structlog
from prometheus_client import CollectorRegistry

from sidelight.config.brokers import SCHEME, KafkaAddress
from sidelight.config.settings import JoinerSettings, LogSettings, Settings
from sidelight.log import Log, Membership, open_log
from sidelight.log.crew import Crew
from sidelight.log.topics import HALVES
from sidelight.log.watchdog import Watchdog
from sidelight.serving.listening import bound
from sidelight_logger.joiner.identity import Terms
from sidelight_logger.joiner.importing import EVERYTHING, ForeignPartition, Source
from sidelight_logger.joiner.metrics import JoinerCollector
from sidelight_logger.joiner.pairing import HalvesPartition
from sidelight_logger.joiner.shift import Shift
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.page import Page
from sidelight_logger.stopping import stop_on_signals

GROUP = "joiner"
STALLED_SECONDS = 30.0
"""A partition that stands still for so long though there is something to read is joined anew."""

logger = structlog.get_logger("sidelight.joiner")


def run_service(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; returns when what was folded is committed."""
    stop = stop_on_signals()
    with ExitStack() as closed:
        log = closed.enter_context(closing(open_log(settings.log)))
        joining = joining_shift(log, settings.joiner, stop)
        source = _source(settings, closed)
        importing = None
        if source is not None:
            importing = importing_shift(source, log, settings.joiner, stop, policy_of(settings))
        closed.enter_context(_page(settings.joiner, joining, importing))
        logger.info("joiner at work", source=settings.joiner.source)
        run(stop, joining, importing)


def joining_shift(
    log: Log, settings: JoinerSettings, stop: threading.Event
) -> Shift[HalvesPartition]:
    """Folds the halves of the log."""
    terms = Terms(int(settings.ttl_seconds * 1e9), settings.max_bytes)

    def hire(member: Membership, partition: int) -> HalvesPartition:
        part = HalvesPartition(log, member, partition, terms)
        part.resume()
        return part

    return Shift(log, Crew(GROUP, _guard(log, HALVES), hire), stop)


def importing_shift(
    source: Source,
    log: Log,
    settings: JoinerSettings,
    stop: threading.Event,
    policy: Policy = EVERYTHING,
) -> Shift[ForeignPartition]:
    """Carries the foreign topic to the log."""

    def hire(member: Membership, partition: int) -> ForeignPartition:
        part = ForeignPartition(source, log, member, partition, policy)
        part.resume()
        return part

    guard = _guard(source.log, source.topic)
    return Shift(source.log, Crew(settings.group, guard, hire), stop)


def run(
    stop: threading.Event,
    joining: Shift[HalvesPartition],
    importing: Shift[ForeignPartition] | None,
) -> None:
    """Both loops, each in a thread: a foreign cluster that is down holds up nothing here.

    When one ends for a reason of its own, so does the other, and the reason is raised.
    """
    loops = [joining.run] if importing is None else [joining.run, importing.run]
    with ThreadPoolExecutor(len(loops), thread_name_prefix="joiner") as pool:
        running = [pool.submit(loop) for loop in loops]
        wait(running, return_when=FIRST_COMPLETED)
        stop.set()
    for one in running:
        one.result()


def _guard(log: Log, topic: str) -> Watchdog:
    return Watchdog(log, topic, STALLED_SECONDS, time.monotonic)


def _source(settings: Settings, closed: ExitStack) -> Source | None:
    """The foreign topic; it stands there as it is, behind no prefix of ours."""
    if settings.joiner.source is None:
        return None
    address = KafkaAddress.parse(settings.joiner.source)
    topic = address.prefix
    brokers = LogSettings(
        url=SCHEME + ",".join(address.servers), kafka=settings.joiner.kafka or settings.log.kafka
    )
    foreign = closed.enter_context(closing(open_log(brokers)))
    from sidelight.log.kafka.facts import FactsOfTopics

    return Source(foreign, topic, lambda: FactsOfTopics(brokers).of(topic).topic_id)


@contextmanager
def _page(
    settings: JoinerSettings,
    joining: Shift[HalvesPartition],
    importing: Shift[ForeignPartition] | None,
) -> Iterator[None]:
    registry = CollectorRegistry()
    registry.register(
        JoinerCollector(
            lambda: importing.crew.workers if importing else (),
            lambda: joining.crew.workers,
        )
    )

    def unready() -> str:
        return joining.not_ready or (importing.not_ready if importing else "")

    page = Page(bound("joiner.listen", settings.listen), registry, unready)
    page.start()
    try:
        yield
    finally:
        page.stop()
