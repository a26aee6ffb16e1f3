"""What joining costs: CPU of a half that is carried, and of a pair that is folded.

Without Kafka: both steps work between logs in memory, so the figures are ours alone.
"""

from __future__ import annotations

import time

import orjson

from sidelight.events.cloudevent import CloudEvent
from sidelight.events.kserve import REQUEST_TYPE, RESPONSE_TYPE
from sidelight.events.records import to_record
from sidelight.log import Log, Record
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import HALVES, INFERENCE
from sidelight_logger.joiner.identity import Terms
from sidelight_logger.joiner.importing import ForeignPartition, Source
from sidelight_logger.joiner.note import note_of
from sidelight_logger.joiner.pairing import HalvesPartition

PAIRS = 20_000
FOREIGN = "foreign"
TERMS = Terms(60 * 10**9, 1 << 30)


def main() -> None:
    print("python -m benchmarks.joiner")
    names = ("rows", "body bytes", "carry us/half", "join us/pair", "halves/s", "note bytes")
    print(" ".join(f"{name:>13}" for name in (*names, "restore s")))
    for rows in (1, 20, 200):
        _measure(rows)


def _measure(rows: int) -> None:
    foreign, ours = MemoryLog(), MemoryLog()
    sent = list(_halves(rows))
    foreign.append(FOREIGN, sent)
    carried = _seconds(_importer(foreign, ours))
    part = _joiner(ours)
    joined = _seconds(part)
    assert ours.span(INFERENCE, 0).end == PAIRS
    part.finish()
    begun = time.process_time()
    part.resume()
    restored = time.process_time() - begun
    figures = (
        rows,
        len(sent[0].value),
        f"{carried / len(sent) * 1e6:.1f}",
        f"{joined / PAIRS * 1e6:.1f}",
        f"{len(sent) / (carried + joined):.0f}",
        len(note_of(part.fold)),
        f"{restored:.2f}",
    )
    print(" ".join(f"{figure:>13}" for figure in figures))


def _halves(rows: int) -> list[Record]:
    asked = orjson.dumps({"instances": [[0.5 * cell for cell in range(14)]] * rows})
    answered = orjson.dumps({"predictions": [0.5] * rows})
    told = ((REQUEST_TYPE, asked), (RESPONSE_TYPE, answered))
    return [_half(number, kind, data) for number in range(PAIRS) for kind, data in told]


def _half(number: int, kind: str, data: bytes) -> Record:
    extensions = {
        "inferenceservicename": "income",
        "namespace": "prod",
        "component": "predictor",
        "endpoint": "",
        "metadata": "{}",
        "recordedtime": "2026-09-21T12:00:00.5Z",
    }
    source, time_ns = "http://localhost:9081/", 1_790_000_000 * 10**9 + number
    event = CloudEvent(
        f"id-{number}", source, kind, time_ns, "application/json", extensions=extensions, data=data
    )
    return to_record(event)


def _importer(foreign: Log, ours: Log) -> ForeignPartition:
    source = Source(foreign, FOREIGN, lambda: "id")
    part = ForeignPartition(source, ours, foreign.join("importer", FOREIGN), 0)
    part.resume()
    return part


def _joiner(ours: Log) -> HalvesPartition:
    part = HalvesPartition(ours, ours.join("joiner", HALVES), 0, TERMS)
    part.resume()
    return part


def _seconds(part: ForeignPartition | HalvesPartition) -> float:
    begun = time.process_time()
    while part.step(0.0):
        pass
    return time.process_time() - begun


if __name__ == "__main__":
    main()
