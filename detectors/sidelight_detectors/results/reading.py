"""Results and alarms of a log, as frozen values: for dashboards, the demo, notebooks.

Where several processes share the work a detector that was taken for dead may say something that its
successor has said too. It has the same id, so whoever reads takes each id once, as here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, TypeVar

from sidelight.log import Address
from sidelight.log.topics import ALARMS, RESULTS
from sidelight_detectors.results.events import output_of
from sidelight_detectors.results.findings import Alarm, Output, Result
from sidelight_detectors.streaming.outbox import Shelf, read_on

Kind = TypeVar("Kind", bound=Output)

FROM_THE_BEGINNING: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Told(Generic[Kind]):
    """What was said, and where it stands; go on reading at ``address.offset + 1``."""

    address: Address
    output: Kind


def read_results(
    log: Shelf, offsets: Mapping[int, int] = FROM_THE_BEGINNING
) -> Iterator[Told[Result]]:
    """All results there are now, from `offsets` (by partition) on, partition after partition.

    Each id once; who goes on later from where it stopped drops the ids it has.
    """
    for told in _read(log, RESULTS, offsets):
        if not isinstance(told.output, Alarm):
            yield Told(told.address, told.output)


def read_alarms(
    log: Shelf, offsets: Mapping[int, int] = FROM_THE_BEGINNING
) -> Iterator[Told[Alarm]]:
    """All alarms raised and cleared, as `read_results`."""
    for told in _read(log, ALARMS, offsets):
        if isinstance(told.output, Alarm):
            yield Told(told.address, told.output)


def _read(log: Shelf, topic: str, offsets: Mapping[int, int]) -> Iterator[Told[Output]]:
    for partition in range(log.partitions(topic)):
        # One model's results are all in one partition, so an id is said twice only there.
        seen: set[str] = set()
        for stored in read_on(log, topic, partition, offsets.get(partition, 0)):
            output = output_of(stored.record)
            if output.id not in seen:
                seen.add(output.id)
                yield Told(stored.address, output)
