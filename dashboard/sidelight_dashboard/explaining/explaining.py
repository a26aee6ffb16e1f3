"""Explanations that are asked for here: those under way, and where they are kept at last."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from fastapi.concurrency import run_in_threadpool

from sidelight.errors import SidelightError
from sidelight.redaction.rules import folded
from sidelight.serving.refusals import Busy
from sidelight_dashboard.exchanges.opening import OpenedRow, open_row
from sidelight_dashboard.explaining.hiding import without
from sidelight_dashboard.explaining.keeping import Head, Kept, forget, keep, kept_of_row, kept_one
from sidelight_dashboard.explaining.offering import Offers
from sidelight_dashboard.explaining.reaching import way_of
from sidelight_dashboard.explaining.service import ExplainService, Refused, Unreachable
from sidelight_dashboard.hiding import Hidden, hidden_in, hidden_of, ruled_of
from sidelight_dashboard.redacting import redaction_of
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

State = Literal["running", "done", "failed", "cancelled"]

MOST_RUNNING = 16
MOST_ENDED = 200
"""Explanations that came to nothing, remembered for who looks for the reason."""
TAKE_BACK_SECONDS = 2.0
"""A job that is cancelled before the service has accepted it is waited for so long."""
RISE_SECONDS = 0.5
"""Pages that show an explanation are told of its progress no more often than this."""

logger = structlog.get_logger("sidelight.dashboard")


@dataclass(frozen=True)
class Progress:
    """How far one is: `explanation` is the newest by then, `error` why there is none."""

    head: Head
    state: State
    explanation: Mapping[str, Any] | None = None
    error: str = ""


@dataclass(eq=False)
class Running:
    """One under way, or one that came to nothing."""

    head: Head
    hidden: Hidden
    state: State = "running"
    partial: Mapping[str, Any] | None = None
    error: str = ""
    job: asyncio.Future[str] | None = None
    task: asyncio.Task[None] | None = None

    def progress(self) -> Progress:
        return Progress(self.head, self.state, self.partial, self.error)


class Explaining:
    """Asks for explanations, follows them and keeps them; on the application's event loop."""

    def __init__(self, showing: Showing) -> None:
        self._showing = showing
        self._service = ExplainService(way_of(showing.settings))
        self.offers = Offers(self._service)
        self._asked: dict[str, Running] = {}
        self._rose = 0.0

    def ask(self, opened: OpenedRow, method: str, options: Mapping[str, Any], who: str) -> Head:
        """Begin one; raises `Busy`."""
        if sum(one.state == "running" for one in self._asked.values()) >= MOST_RUNNING:
            raise Busy(f"{MOST_RUNNING} explanations are under way; try again when one is done")
        head = Head(
            secrets.token_hex(8),
            opened.model,
            opened.version,
            str(opened.address),
            opened.row,
            method,
            dict(options),
            time.time_ns(),
            0,
            who,
        )
        running = Running(head, self._hidden(opened))
        self._asked[head.id] = running
        self._forget_ended()
        running.task = asyncio.create_task(self._follow(running))
        return head

    async def progress(self, id_: str) -> Progress:
        """Of one under way or kept; raises `NotFound`."""
        if (running := self._asked.get(id_)) is not None:
            return running.progress()
        kept = await run_in_threadpool(kept_one, self._showing.store, id_)
        if kept is None:
            raise NotFound(
                f"there is no explanation {id_[:40]!r}: it was never asked for, was forgotten, or"
                " the dashboard stopped before it was done; ask again on the row's page"
            )
        hidden = await run_in_threadpool(self._hidden_by_now, kept.head)
        return Progress(kept.head, "done", without(kept.explanation, hidden))

    def of_row(self, exchange: str, row: int) -> tuple[Progress, ...]:
        """Those under way and those kept, newest first."""
        running = [one.progress() for one in list(self._asked.values())]
        under_way = [p for p in running if (p.head.exchange, p.head.row) == (exchange, row)]
        kept = kept_of_row(self._showing.store, exchange, row)
        return (*reversed(under_way), *(Progress(head, "done") for head in kept))

    async def end(self, id_: str) -> None:
        """Cancel it, or forget it when it is done; raises `NotFound`."""
        running = self._asked.get(id_)
        if running is not None and running.task is not None and running.state == "running":
            running.task.cancel()
            await asyncio.wait({running.task})
        elif running is not None:
            del self._asked[id_]
        elif not await run_in_threadpool(forget, self._showing.store, id_):
            raise NotFound(f"there is no explanation {id_[:40]!r}")
        self._showing.revision.rise()

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = [one.task for one in self._asked.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._service.close()

    async def _follow(self, running: Running) -> None:
        try:
            await self._followed(running)
        except asyncio.CancelledError:
            running.state = "cancelled"
            await self._cancel_job(running)
        except SidelightError as exc:
            running.state, running.error = "failed", _sentence(exc)
        except Exception as exc:  # the edge of a task of its own: whoever looks at it is told
            logger.exception("explanation failed", explanation=running.head.id)
            running.state, running.error = "failed", f"internal error: {type(exc).__name__}"
        finally:
            self._showing.revision.rise()

    async def _followed(self, running: Running) -> None:
        head = running.head
        wishes = {**head.options, "exchange": head.exchange, "row": head.row, "method": head.method}
        # A job that is being accepted while this is cancelled must be known, to be taken back.
        running.job = asyncio.ensure_future(self._service.begin(head.model, wishes))
        place = await asyncio.shield(running.job)
        ended = ""
        async for event in self._service.events(place):
            if event.name == "partial":
                running.partial = without(event.data, running.hidden)
                self._tell()
            else:
                ended = event.name
        if ended == "done":
            await self._keep(running, await self._service.result(place))
        elif ended == "failed":
            await self._service.result(place)  # which raises it, in its words
        else:
            raise Unreachable("the explain service stopped before it was done; ask again")

    async def _keep(self, running: Running, explanation: Mapping[str, Any]) -> None:
        head, keep_seconds = running.head, self._showing.settings.dashboard.keep_seconds
        now = time.time_ns()
        done = Head(**{**_fields(head), "took_ns": now - head.created_ns})
        kept = Kept(done, without(explanation, running.hidden))
        oldest = now - int(keep_seconds * NS)
        await run_in_threadpool(keep, self._showing.store, kept, oldest)
        running.state = "done"
        del self._asked[head.id]

    async def _cancel_job(self, running: Running) -> None:
        if running.job is not None:
            with suppress(SidelightError, TimeoutError):
                await self._service.cancel(await asyncio.wait_for(running.job, TAKE_BACK_SECONDS))

    def _hidden(self, opened: OpenedRow) -> Hidden:
        """Also columns that the explain service sees as they were sent, before a rule was."""
        dropped = hidden_of(self._showing.settings.models[opened.model])
        return Hidden(dropped.names | frozenset(map(folded, opened.changed)))

    def _hidden_by_now(self, head: Head) -> Hidden:
        """Of a row that is gone nobody knows whether rules changed it."""
        known = self._showing.settings.models.get(head.model)
        if known is None or not redaction_of(known):
            return hidden_in(self._showing.settings, head.model)
        try:
            return self._hidden(open_row(self._showing, head.exchange, head.row))
        except SidelightError:
            return ruled_of(known)

    def _tell(self) -> None:
        if time.monotonic() - self._rose >= RISE_SECONDS:
            self._rose = time.monotonic()
            self._showing.revision.rise()

    def _forget_ended(self) -> None:
        ended = [id_ for id_, one in self._asked.items() if one.state != "running"]
        for id_ in ended[: max(len(ended) - MOST_ENDED, 0)]:
            del self._asked[id_]


def _fields(head: Head) -> dict[str, Any]:
    return {name: getattr(head, name) for name in Head.__dataclass_fields__}


def _sentence(error: SidelightError) -> str:
    if isinstance(error, Refused) and error.status == 401:
        return f"{error}; set dashboard.explainers_token or explainers_token_file"
    return str(error)
