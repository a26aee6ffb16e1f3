"""What is told of a job: its status as JSON, and its progress as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from sidelight.errors import SidelightError
from sidelight.serving.refusals import code_of
from sidelight_explainers.service.jobs.job import Job
from sidelight_explainers.service.refusals import CODES

ALIVE_SECONDS = 15.0
"""A stream that is silent for so long says that it lives: gateways cut those that do not."""
ALIVE = b": alive\n\n"


def location(job: Job) -> str:
    return f"/jobs/{job.id}"


def status(job: Job) -> dict[str, Any]:
    """How far the job is, and where to ask further."""
    place = location(job)
    return {
        "id": job.id,
        "state": job.state,
        "model": job.plan.model.name,
        "method": job.plan.wish.method,
        "explanations": len(job.plan.parts),
        "began": _time(job.began),
        "ended": None if job.ended is None else _time(job.ended),
        "links": {"self": place, "result": f"{place}/result", "events": f"{place}/events"},
        **_fault(job),
    }


async def events(job: Job) -> AsyncIterator[bytes]:
    """The newest partial explanations as they come, then how the job ended (its status).

    Whoever is slow, or comes late, misses what was replaced by newer, never the newest.
    """
    told: dict[int, int] = {}
    changes = job.changes()
    waiting: asyncio.Future[None] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(changes))
            done, _ = await asyncio.wait({waiting}, timeout=ALIVE_SECONDS)
            if not done:
                yield ALIVE
                continue
            for event in _unseen(job, told):
                yield event
            if job.state != "running":
                yield _event(job.state, status(job))
                return
            waiting = None
    finally:
        if waiting is not None:
            waiting.cancel()


def _unseen(job: Job, told: dict[int, int]) -> Iterator[bytes]:
    """One at a time: who does not read holds no more."""
    for at in sorted(job.seen):
        seen = job.seen[at]
        if told.get(at) != seen.number:
            told[at] = seen.number
            partial = {"row": at, "number": seen.number, **seen.explanation.to_json()}
            yield _event("partial", partial)


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps(data))


def _fault(job: Job) -> dict[str, Any]:
    if job.error is None:
        return {}
    is_ours = isinstance(job.error, SidelightError)
    words = str(job.error) if is_ours else f"internal error: {type(job.error).__name__}"
    return {"error": words, "code": code_of(job.error, CODES)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
