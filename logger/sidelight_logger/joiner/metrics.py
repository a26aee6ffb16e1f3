"""Every metric of the joiner, read from its parts when asked for.

Counters begin at zero with the process, and leave with a partition that others take over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from sidelight_logger.joiner import fold, importing, withholding
from sidelight_logger.joiner.importing import ForeignPartition
from sidelight_logger.joiner.outgoing import REDUCED
from sidelight_logger.joiner.pairing import HalvesPartition
from sidelight_logger.joiner.reading import LOSSES

_PREFIX = "sidelight_joiner_"


class JoinerCollector(Collector):
    """The parts at work: `importing` and `joining` are asked anew each time."""

    def __init__(
        self,
        importing: Callable[[], Iterable[ForeignPartition]],
        joining: Callable[[], Iterable[HalvesPartition]],
    ) -> None:
        self._importing = importing
        self._joining = joining

    def collect(self) -> Iterator[Metric]:
        importers, joiners = tuple(self._importing()), tuple(self._joining())
        yield _counter(
            "imported_records",
            "Records of the foreign topic, by what they turned out to be.",
            "kind",
            importing.OUTCOMES,
            (part.counts for part in importers),
        )
        yield _counter(
            "halves",
            "Records of the topic halves, by what became of them.",
            "outcome",
            fold.OUTCOMES,
            (part.fold.counts for part in joiners),
        )
        yield _counter(
            "left_out_halves",
            "Imported halves that policy left out, or whose body it withheld, by reason.",
            "reason",
            withholding.REASONS,
            (part.withholding.left_out for part in importers),
        )
        yield from _faults([*importers, *joiners])
        yield from _memory(joiners)
        yield _lag("foreign", importers)
        yield _lag("halves", joiners)


def _faults(parts: list[ForeignPartition | HalvesPartition]) -> Iterator[Metric]:
    yield _counter(
        "lost_records",
        "Records that were gone before they were read (retired), and topics made anew (reset).",
        "reason",
        LOSSES,
        (part.bookmark.lost for part in parts),
    )
    yield _counter(
        "outsized_records",
        "Records larger than their topic takes: without their bodies, or a dead letter.",
        "outcome",
        REDUCED,
        (part.outgoing.reduced for part in parts),
    )


def _memory(joiners: Iterable[HalvesPartition]) -> Iterator[Metric]:
    memories = [part.fold.memory for part in joiners]
    yield GaugeMetricFamily(
        _PREFIX + "waiting_halves",
        "Halves whose other side has not come.",
        value=sum(memory.waiting for memory in memories),
    )
    yield GaugeMetricFamily(
        _PREFIX + "memory_bytes",
        "Memory for halves that wait, and to know others again.",
        value=sum(memory.bytes for memory in memories),
    )


def _lag(topic: str, parts: Iterable[ForeignPartition | HalvesPartition]) -> Metric:
    return GaugeMetricFamily(
        f"{_PREFIX}{topic}_lag_records",
        f"Records of the {topic} topic that were not read yet.",
        value=sum(part.bookmark.lag for part in parts),
    )


def _counter(
    name: str, help_: str, label: str, known: Iterable[str], counts: Iterable[Counter[str]]
) -> Metric:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    family = CounterMetricFamily(_PREFIX + name, help_, labels=[label])
    for value in known:
        family.add_metric([value], total[value])
    return family
