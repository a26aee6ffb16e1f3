"""Child processes kept alive: started in order, restarted when they crash, drained when asked.

Children die with their supervisor, also when that is killed with -9 (Linux). Their output goes
where the supervisor's goes. Call `supervise` from the main thread: it listens to signals.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from sidelight.tether import tied

USAGE_ERROR = 2
"""The exit code of a process whose configuration is wrong: starting it again cannot help."""

EventKind = Literal["started", "crashed", "gave up", "stopped", "killed"]

_STOP = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Process:
    """What to run.

    `env` is added to this process's environment; `pass_fds` stay open in the child under the same
    numbers, over every restart. Without an `essential` process the whole makes no sense: when it
    crashes too often all are stopped. One that is not essential is started again for ever, unless
    the first thing it says is that its configuration is wrong: then all are stopped too.
    `weight` is its part of the grace period, beside those of the others.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    pass_fds: Sequence[int] = ()
    essential: bool = True
    weight: float = 1.0


@dataclass(frozen=True)
class Restarts:
    """How crashes are answered: the first at once, then after waits that double.

    `limit` crashes within `within_seconds` are too many.
    """

    limit: int = 5
    within_seconds: float = 60.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 10.0

    def recent(self, crashes: Sequence[float], now: float) -> tuple[float, ...]:
        """The crash times (seconds of one clock) that still count."""
        return tuple(at for at in crashes if now - at < self.within_seconds)

    def wait_seconds(self, crashes: int) -> float:
        """How long to wait after that many recent crashes, the last one included."""
        if crashes <= 1:
            return 0.0
        doubled = self.first_wait_seconds * 2.0 ** min(crashes - 2, 30)
        return min(self.longest_wait_seconds, doubled)


@dataclass(frozen=True)
class Event:
    """What happened to a process. `code` is negative for a signal, as in `subprocess`."""

    kind: EventKind
    process: str
    pid: int
    code: int | None = None
    restart_seconds: float | None = None


def supervise(
    processes: Sequence[Process],
    *,
    grace_seconds: float,
    on_event: Callable[[Event], None] = lambda event: None,
    restarts: Restarts | None = None,
) -> int:
    """Run the processes until SIGTERM or SIGINT, or until an essential one keeps crashing.

    They are started in the given order and stopped in the reverse one, each by SIGTERM once the
    one before has ended or used its share of `grace_seconds`; what is left at the end is killed.
    A second signal kills all at once.

    Returns the exit code: 0 when all ended well and in time; `USAGE_ERROR` when an essential one
    ended so, or another one its first life; 1 when one was given up for another reason, failed to
    stop cleanly or had to be killed; 128 + the signal's number after a second signal.
    """
    policy = restarts or Restarts()
    children = [_Child(process, policy, on_event) for process in processes]
    with _signals() as signals:
        try:
            code = _serve(children, signals)
            drained = _drain(children, signals, time.monotonic() + grace_seconds)
        except _Forced as forced:
            return 128 + forced.number
        finally:
            for child in children:
                child.kill()
    return code or int(not (drained and all(child.ended_well for child in children)))


class _Forced(Exception):
    """A second signal: no more waiting."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Signals:
    """Signals in the order they came.

    They are read from a pipe that the interpreter's own handler writes: a signal that comes just
    before a wait begins ends it too, which a handler in Python cannot promise.
    """

    def __init__(self, reads: socket.socket) -> None:
        self._reads = reads

    def next(self, seconds: float | None) -> int | None:
        """The next signal's number, None when none came in time."""
        wait = None if seconds is None else max(seconds, 0.0)
        ready, _, _ = select.select([self._reads], [], [], wait)
        return self._reads.recv(1)[0] if ready else None


@contextmanager
def _signals() -> Iterator[_Signals]:
    watched = (*_STOP, signal.SIGCHLD)
    reads, writes = socket.socketpair()
    with reads, writes:
        writes.setblocking(False)
        old_pipe = signal.set_wakeup_fd(writes.fileno())
        old = {number: signal.signal(number, lambda *_: None) for number in watched}
        try:
            yield _Signals(reads)
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(old_pipe)


def _serve(children: Sequence[_Child], signals: _Signals) -> int:
    """Keep all alive; 0 when asked to stop, an exit code when an essential one was given up."""
    while True:
        for child in children:
            child.start_when_due()
        waits = [child.due - time.monotonic() for child in children if child.due is not None]
        if signals.next(min(waits, default=None)) in _STOP:
            return 0
        given_up = [child.given_up for child in children if not child.survives()]
        if given_up:
            return max(given_up)


def _drain(children: Sequence[_Child], signals: _Signals, deadline: float) -> bool:
    """Stop all, the last started first; True when none is left at the deadline."""
    left = sum(child.weight for child in children)
    for child in reversed(children):
        child.terminate()
        share = (deadline - time.monotonic()) * child.weight / left
        left -= child.weight
        _wait_for([child], signals, time.monotonic() + share)
    return _wait_for(children, signals, deadline)


def _wait_for(children: Sequence[_Child], signals: _Signals, deadline: float) -> bool:
    while not all(child.has_stopped() for child in children):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        number = signals.next(left)
        if number in _STOP:
            raise _Forced(number)
    return True


class _Child:
    """One process through its lives: running (`_running`), waiting to start (`due`), or neither."""

    def __init__(
        self, process: Process, policy: Restarts, on_event: Callable[[Event], None]
    ) -> None:
        self.due: float | None = time.monotonic()
        self.ended_well = True
        self.weight = process.weight
        self.given_up = 0
        self._process = process
        self._policy = policy
        self._on_event = on_event
        self._running: subprocess.Popen[bytes] | None = None
        self._crashes: tuple[float, ...] = ()
        self._lives = 0

    def start_when_due(self) -> None:
        if self.due is None or self.due > time.monotonic():
            return
        self.due = None
        self._running = _start(self._process)
        self._lives += 1
        self._tell("started", self._running.pid)

    def survives(self) -> bool:
        """False when it has ended and is not to be started again."""
        code = None if self._running is None else self._running.poll()
        if self._running is None or code is None:
            return True
        pid, now = self._running.pid, time.monotonic()
        self._running = None
        self._crashes = (*self._policy.recent(self._crashes, now), now)
        # Later its file may have been changed under it: no reason to take the others down.
        refused = code == USAGE_ERROR and (self._process.essential or self._lives == 1)
        too_often = self._process.essential and len(self._crashes) >= self._policy.limit
        if refused or too_often:
            self.given_up = USAGE_ERROR if code == USAGE_ERROR else 1
            self._tell("gave up", pid, code)
            return False
        wait = self._policy.wait_seconds(len(self._crashes))
        self.due = now + wait
        self._tell("crashed", pid, code, wait)
        return True

    def terminate(self) -> None:
        self.due = None
        if self._running is not None:
            self._running.terminate()

    def has_stopped(self) -> bool:
        code = None if self._running is None else self._running.poll()
        if self._running is not None and code is not None:
            self._tell("stopped", self._running.pid, code)
            self.ended_well = code in (0, -signal.SIGTERM)
            self._running = None
        return self._running is None

    def kill(self) -> None:
        if not self.has_stopped() and self._running is not None:
            self._running.kill()
            self._tell("killed", self._running.pid, self._running.wait())
            self._running = None

    def _tell(
        self, kind: EventKind, pid: int, code: int | None = None, wait: float | None = None
    ) -> None:
        self._on_event(Event(kind, self._process.name, pid, code, wait))


def _start(process: Process) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the command is the caller's own
        tied(process.argv),
        env={**os.environ, **process.env},
        pass_fds=process.pass_fds,
        stdin=subprocess.DEVNULL,
        # A group of its own: Ctrl-C reaches the supervisor alone, which stops all in order.
        process_group=0,
    )
