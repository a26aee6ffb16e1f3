"""What it costs to mark a question as ours, to tell it, and to refuse a forged one.

    python -m benchmarks.probes

The ratio is to the sha256 of the body alone, without which nothing could be proven.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from time import process_time, time_ns

from sidelight.events import Body, Exchange
from sidelight.probes import Mark, ProbeKey

KEY = ProbeKey(b"0123456789abcdef0123456789abcdef")
BODY_BYTES = (100, 1_000, 10_000, 100_000, 1_000_000)
SECONDS = 0.3


def main() -> None:
    """Print microseconds by the size of the body."""
    print(f"{'body':>9}{'sha256':>10}{'mark':>10}{'tell':>10}{'refuse':>10}   µs; mark / sha256")
    for size in BODY_BYTES:
        _print_costs(b"x" * size)


def _print_costs(body: bytes) -> None:
    mark = Mark(KEY, "explain")
    ours = _exchange(mark.of(body)["sidelight-purpose"], body)
    forged = replace(ours, purpose="explain")
    alone = _microseconds(lambda: hashlib.sha256(body).hexdigest())
    marking = _microseconds(lambda: mark.of(body))
    telling = _microseconds(lambda: KEY.standing(ours))
    refusing = _microseconds(lambda: KEY.standing(forged))
    costs = "".join(f"{one:10.1f}" for one in (alone, marking, telling, refusing))
    print(f"{len(body):9}{costs}{marking / alone:10.1f}")


def _microseconds(work: Callable[[], object]) -> float:
    """Of this processor in one call, whoever else uses it."""
    calls, began = 0, process_time()
    while (passed := process_time() - began) < SECONDS:
        work()
        calls += 1
    return 1e6 * passed / calls


def _exchange(purpose: str, body: bytes) -> Exchange:
    return Exchange(
        "1",
        "/benchmark",
        time_ns(),
        0,
        "POST",
        "/v2/models/m/infer",
        "v2",
        "m",
        "",
        200,
        "answered",
        Body(body, size=len(body)),
        Body(),
        purpose=purpose,
    )


if __name__ == "__main__":
    main()
