"""Explanations that nobody waits for: begun, cancelled, kept for a time, on the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import orjson
import structlog

from sidelight.config.explaining.service import JobsSettings
from sidelight.serving.refusals import Busy, code_of
from sidelight.serving.workers import Workers
from sidelight_explainers.asking import Cancelled
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.explaining import Service
from sidelight_explainers.service.jobs.job import STATES, Job
from sidelight_explainers.service.planning import Plan
from sidelight_explainers.service.refusals import CODES, UnknownJob
from sidelight_explainers.service.wires.dialect import Dialect

Ended = Callable[[Job], None]


class Jobs:
    """All jobs of the service; the oldest results make way for new ones."""

    def __init__(self, settings: JobsSettings, workers: Workers, ended: Ended) -> None:
        self._settings = settings
        self._workers = workers
        self._ended = ended
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, service: Service, plan: Plan, dialect: Dialect) -> Job:
        """A new job; `Busy` when as many run as may be."""
        if len(self._tasks) >= self._settings.limit:
            raise Busy(f"{len(self._tasks)} jobs are under way; try again later")
        job = Job(plan, dialect)
        self._jobs[job.id] = job
        self._drop_oldest()
        self._tasks[job.id] = asyncio.create_task(self._run(service, job))
        return job

    def get(self, id_: str) -> Job:
        """Raises `UnknownJob`."""
        if id_ not in self._jobs:
            raise UnknownJob("no such job; results are kept for a time and then dropped")
        return self._jobs[id_]

    def cancel(self, id_: str) -> None:
        """End the job if it runs, forget it if it has ended; raises `UnknownJob`."""
        job = self.get(id_)
        task = self._tasks.get(job.id)
        if task is None:
            del self._jobs[job.id]
        else:
            task.cancel()

    def counts(self) -> dict[str, int]:
        """How many there are by state."""
        found = Counter(job.state for job in self._jobs.values())
        return {state: found[state] for state in STATES}

    def stop(self) -> None:
        """Cancel what runs."""
        for task in self._tasks.values():
            task.cancel()

    async def close(self) -> None:
        """Cancel what runs, and wait for its end."""
        self.stop()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.to_thread(self._workers.close)

    async def _run(self, service: Service, job: Job) -> None:
        loop = asyncio.get_running_loop()
        try:
            job.explanations = await service.explain(job.plan, self._workers, job.hear(loop))
            job.size = await asyncio.to_thread(_json_bytes, job.explanations)
            job.end("done")
        except asyncio.CancelledError:
            job.end("cancelled", Cancelled("the job was cancelled"))
        except Exception as exc:  # the edge: whoever asks for the result gets it
            if code_of(exc, CODES) == 500:
                structlog.get_logger("sidelight.explainers").exception(
                    "job failed", model=job.plan.model.name
                )
            job.end("failed", _without_frames(exc))
        finally:
            del self._tasks[job.id]
            self._keep(job)

    def _keep(self, job: Job) -> None:
        self._ended(job)
        self._drop_oldest()
        forget = self._jobs.pop
        asyncio.get_running_loop().call_later(self._settings.keep_seconds, forget, job.id, None)

    def _drop_oldest(self) -> None:
        """Within both limits again; jobs that run stay."""
        kept = [job for job in self._jobs.values() if job.ended is not None]
        size = sum(job.size for job in kept)
        for job in sorted(kept, key=lambda one: one.ended or 0.0):
            is_within = len(self._jobs) <= self._settings.limit
            if is_within and size <= self._settings.keep_bytes:
                return
            size -= job.size
            del self._jobs[job.id]


def _without_frames(error: BaseException) -> BaseException:
    """Its frames would hold the rows for as long as the job is kept."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _json_bytes(explanations: list[Explanation]) -> int:
    return sum(len(orjson.dumps(one.to_json())) for one in explanations)
