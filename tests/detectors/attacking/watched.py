"""Attempts in a log among other traffic, and what the detector says of them and when.

The fast form of `served`: the exchanges are written straight into a log, by the codecs of the wire,
and scorer and decider of the service take them from there. An attack is not told whether it was
seen, so what it asks is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sidelight.config.detecting.service import DetectorsSettings
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.log import Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.protocols import v2
from sidelight.tensors import Columns
from sidelight_detectors.fitted import fit
from sidelight_detectors.results.findings import AttackResult
from sidelight_detectors.streaming.decider import Decider
from sidelight_detectors.streaming.folds import Traced
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.scorer import GROUP, PartitionScorer
from sidelight_detectors.streaming.trace import Exchanges, Trace
from tests.detectors.attacking.attempts import Attempt
from tests.detectors.attacking.targets import Target
from tests.detectors.watching import STILL, Alone, panes_of

START_NS = 1_700_000_000_000_000_000
TICK_NS = 20_000_000
"""Between two queries: fifty a second."""

NOBODY = -1


@dataclass(frozen=True, eq=False)
class Stream:
    """Rows in the order asked; `who` is the place of a row's attempt among all, or `NOBODY`."""

    rows: Columns
    who: np.ndarray[tuple[int], np.dtype[np.int64]]

    def asked_until(self, attempt: int, end: int) -> int:
        """How many queries of this attempt are among the first `end` rows."""
        return int((self.who[:end] == attempt).sum())


@dataclass(frozen=True)
class Report:
    """What came of a stream.

    `flagged` has for each attempt that was seen how many of its queries were asked by then;
    `false` are episodes without any query of an attack.
    """

    flagged: dict[int, int] = field(default_factory=dict)
    false: list[AttackResult] = field(default_factory=list)
    episodes: int = 0


def mixed(attempts: Sequence[Attempt], benign: Columns, between: int, before: int) -> Stream:
    """Each attempt's next query, in turns, after every `between` benign rows.

    `before` benign rows come first; they begin again when they are used up.
    """
    turns = max(len(one.queries) for one in attempts)
    parts: list[Columns] = []
    who: list[int] = []
    used = 0

    def others(count: int) -> None:
        nonlocal used
        if count:
            parts.append(benign.take(np.arange(used, used + count) % len(benign)))
            who.extend([NOBODY] * count)
            used += count

    others(before)
    for turn in range(turns):
        for number, one in enumerate(attempts):
            if turn < len(one.queries):
                parts.append(one.queries.take(slice(turn, turn + 1)).select(benign.names))
                who.append(number)
        others(between)
    return Stream(Columns.concatenate(parts), np.array(who))


def plan_of(target: Target, run_rows: int, **adversarial: object) -> Plan:
    """What the target's detectors are; a run is as short as one wants to know when."""
    service = DetectorsSettings(run_rows=run_rows)
    return Plan(target.name, fit(target.reference, target.settings(**adversarial)), service)


def report(plan: Plan, target: Target, stream: Stream) -> Report:
    """What the detector says of the stream, and after how many queries of each attempt."""
    log = MemoryLog(1)
    log.append(INFERENCE, list(_records(target, stream.rows)))
    _score(log, plan)
    found, told = Report(), set[str]()
    decider = Decider(plan, 1)
    for at, pane in enumerate(panes_of(log)):
        for output in decider.accept(pane, at):
            if isinstance(output, AttackResult):
                _take(found, output, stream, pane.end, told)
    return Report(found.flagged, found.false, len(told))


def folded(plan: Plan, stream: Stream) -> Report:
    """As `report`, past the log: for streams of hundreds of thousands of rows."""
    fold = plan.folds()["adversarial"]
    found, told = Report(), set[str]()
    for at, begin in enumerate(range(0, len(stream.rows), plan.service.run_rows)):
        rows = stream.rows.take(slice(begin, begin + plan.service.run_rows))
        for output in fold.accept(Traced(_trace(plan, rows, begin), at, 0)):
            if isinstance(output, AttackResult):
                _take(found, output, stream, begin + len(rows), told)
    return Report(found.flagged, found.false, len(told))


def _trace(plan: Plan, rows: Columns, begin: int) -> Trace:
    count, nobody = len(rows), np.zeros(len(rows), np.uint64)
    offset = np.arange(begin, begin + count)
    same = np.zeros(count, np.int32)
    times = START_NS + offset * TICK_NS
    exchanges = Exchanges(offset, times, same + 1, same, same, nobody, nobody)
    trails = plan.fitted.observe(plan.fitted.index(rows)).trails
    return Trace(plan.id, 0, begin, ("1",), ("",), exchanges, trails)


def _take(found: Report, result: AttackResult, stream: Stream, end: int, told: set[str]) -> None:
    own = {query.address.offset for query in (result.target, *result.queries)}
    attempts = {int(stream.who[offset]) for offset in own} - {NOBODY}
    for attempt in attempts:
        found.flagged.setdefault(attempt, stream.asked_until(attempt, end))
    if not attempts and result.episode not in told:
        found.false.append(result)
    told.add(result.episode)


def _score(log: MemoryLog, plan: Plan) -> None:
    member = log.join(GROUP, INFERENCE)
    scorer = PartitionScorer(log, member, 0, {plan.model: plan}, plan.service, STILL)
    alone = Alone(log, member, scorer)
    while scorer.position is None or scorer.lag:
        if alone.poll() is None and scorer.position is not None:
            alone.close()
    alone.close()
    member.leave()


def _records(target: Target, rows: Columns) -> Iterator[Record]:
    answer = target.answer(rows.take(slice(0, 1)))
    for number in range(len(rows)):
        asked = v2.encode_request(rows.take(slice(number, number + 1)))
        yield to_record(_exchange(target.name, number, asked, v2.encode_response(answer)))


def _exchange(model: str, number: int, asked: bytes, answered: bytes) -> Exchange:
    return Exchange(
        id=f"{number:08d}",
        source="/attacks",
        time_ns=START_NS + number * TICK_NS,
        duration_ns=1_000_000,
        method="POST",
        path=f"/v2/models/{model}/infer",
        protocol="v2",
        model=model,
        version="1",
        status=200,
        outcome="answered",
        request=Body(asked, "application/json", size=len(asked)),
        response=Body(answered, "application/json", size=len(answered)),
        log_id="attacks",
        sequence=number + 1,
    )
