"""The process that explains with alibi: started, asked, ended at any moment, started again."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight.errors import ConfigError, MissingExtra, SidelightError
from sidelight_explainers.alibi.inside.wire import Arrays, Message, receive, send
from sidelight_explainers.alibi.mother import mother_of

START_SECONDS = 120.0
"""To import alibi and TensorFlow on a busy machine."""

STALLED_SECONDS = 30.0
"""A message that has begun to come is there by then, or never."""


class ExplainerDied(SidelightError):
    """The process of an explanation ended without an answer."""


class Line:
    """The conversation with the process of one explanation."""

    def __init__(self, connection: socket.socket, process: int) -> None:
        self._connection = connection
        self._process = process

    def send(self, told: Mapping[str, Any], **arrays: Any) -> None:
        with _answering():
            send(self._connection, told, **arrays)

    def receive(self, seconds: float) -> Message | None:
        """The next message; None when none has begun to come by then."""
        arriving = select.poll()
        arriving.register(self._connection, select.POLLIN)
        if not arriving.poll(1000 * seconds):
            return None
        with _answering():
            return receive(self._connection)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)
        self._connection.close()


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError, ValueError) as exc:
        raise ExplainerDied(f"the process of alibi ended without an answer ({exc})") from exc


@dataclass(frozen=True)
class Ready:
    """What the process said when it had made the explainer."""

    name: str
    version: str
    answers: str


@dataclass(frozen=True, eq=False)
class Setup:
    """All that the explainer is made from. `key` is where the setting is, for errors."""

    key: str
    python: Path | None
    told: Mapping[str, Any]
    arrays: Arrays


class Instance:
    """One explainer of alibi. A process that has died is replaced when it is next asked."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._guard = threading.Lock()
        self._control: socket.socket | None = None

    def start(self) -> Ready:
        """Raises `ConfigError` with what alibi says of the settings, `MissingExtra` without it."""
        with self._guard:
            return self._started()

    def line(self) -> Line:
        """A process of its own for one explanation."""
        with self._guard:
            try:
                return _forked(self._control)
            except (EOFError, OSError):
                self._started()
                return _forked(self._control)

    def _started(self) -> Ready:
        mother = mother_of(self._setup.python)
        control = mother.fork()
        control.settimeout(START_SECONDS)
        try:
            send(control, self._setup.told, **self._setup.arrays)
            told = receive(control).told
        except (EOFError, OSError) as exc:
            raise ConfigError(f"{self._setup.key}: {mother.words() or exc}") from exc
        if "refused" in told:
            refusal = f"{self._setup.key}: {told['refused']}"
            raise MissingExtra(refusal) if "; run: pip" in refusal else ConfigError(refusal)
        self._control = control
        weakref.finalize(self, control.close)
        return Ready(told["ready"], told["version"], told["answers"])


def _forked(control: socket.socket | None) -> Line:
    if control is None:
        raise EOFError("no process was started")
    ours, theirs = socket.socketpair()
    ours.settimeout(STALLED_SECONDS)
    with theirs:
        socket.send_fds(control, [b"e"], [theirs.fileno()])
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        ours.close()
        raise EOFError("the process is gone")
    return Line(ours, descriptors[0])
