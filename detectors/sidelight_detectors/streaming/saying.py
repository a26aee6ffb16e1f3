"""Says the results, alarms and dead letters of several models, each once whatever crashed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from sidelight.log import Log, Record
from sidelight.log.topics import ALARMS, DEAD_LETTERS, RESULTS
from sidelight_detectors.results.events import output_record
from sidelight_detectors.results.findings import Alarm, Output
from sidelight_detectors.streaming.outbox import Outbox
from sidelight_detectors.streaming.panes import partition_of

Place = tuple[str, int]
"""A topic and one of its partitions."""


class Saying:
    """The outboxes of some models; what is said of one model goes to one partition of a topic."""

    def __init__(self, log: Log, models: Sequence[str]) -> None:
        self._log = log
        places = {self._place(t, m) for t in (RESULTS, ALARMS, DEAD_LETTERS) for m in models}
        self._outboxes: dict[Place, Outbox] = {
            place: Outbox(log, *place) for place in sorted(places)
        }

    def begins(self) -> dict[str, dict[str, int]]:
        """From where on stands what is not yet known to be committed; for `recover`."""
        told: dict[str, dict[str, int]] = {}
        for (topic, partition), outbox in self._outboxes.items():
            told.setdefault(topic, {})[str(partition)] = outbox.begin
        return told

    def recover(
        self, begins: Mapping[str, Mapping[str, int]], is_ours: Callable[[Record], bool]
    ) -> Iterator[None]:
        """Find what was said after the last commit, a bounded number of records at each step."""
        for (topic, partition), outbox in self._outboxes.items():
            begin = begins.get(topic, {}).get(str(partition), 0)
            yield from outbox.recover(begin, is_ours)

    def forget(self) -> None:
        """What was said before the crash is said again by now, or never will be."""
        for outbox in self._outboxes.values():
            outbox.forget()

    def say(self, model: str, outputs: Sequence[Output], letters: Sequence[Record]) -> None:
        alarms = [output_record(one) for one in outputs if isinstance(one, Alarm)]
        results = [output_record(one) for one in outputs if not isinstance(one, Alarm)]
        for topic, records in ((RESULTS, results), (ALARMS, alarms), (DEAD_LETTERS, letters)):
            self._outboxes[self._place(topic, model)].append(records)

    def _place(self, topic: str, model: str) -> Place:
        return topic, partition_of(model, self._log.partitions(topic))
