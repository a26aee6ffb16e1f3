"""Logs: one JSON object a line, or readable lines on a terminal; other libraries' and ours alike.

Ours are those of loggers under the name ``sidelight``. Other libraries are heard from WARNING on:
at INFO some say a hundred lines for each explained row.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor

if TYPE_CHECKING:
    from sidelight.supervise import Event

_SHARED: Sequence[Processor] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
)


OURS = "sidelight"

_CONNECTIONS = ("kafka.net.", "kafka.cluster")
"""Where brokers are away these loggers say fifty lines a second, and a warning whenever the machine
was busy. Whoever asked the log for something tells why it failed, once, in an error of ours."""


def configure(service: str, *, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send the log lines of this process to `stream` (stderr), marked with `service`.

    `level` is that of our own lines.
    """
    stream = stream or sys.stderr
    shared = [*_SHARED, _marking(service)]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(stream),
            ],
        )
    )
    # Not by the loggers' levels: why a connection failed is read from what they say (`dialling`).
    handler.addFilter(lambda record: not record.name.startswith(_CONNECTIONS))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger(OURS).setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _marking(service: str) -> Processor:
    def mark(logger: Any, method: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    return mark


def _rendering(stream: TextIO) -> list[Any]:
    """Tracebacks without the values of variables, which hold clients' rows and our secrets."""
    if stream.isatty():
        plain = structlog.dev.plain_traceback
        return [
            structlog.dev.ConsoleRenderer(
                colors="NO_COLOR" not in os.environ, exception_formatter=plain
            )
        ]
    frames = ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]


def tell_process(name: str, event: Event) -> None:
    """Say under the logger `name` what happened to a supervised process."""
    log = structlog.get_logger(name)
    told = {"process": event.process, "pid": event.pid, "code": event.code}
    if event.kind in ("crashed", "gave up", "killed"):
        log.error(f"process {event.kind}", **told, restart_seconds=event.restart_seconds)
    else:
        log.info(f"process {event.kind}", **told)
