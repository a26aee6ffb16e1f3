"""The process that imports alibi once, for all explainers of one interpreter."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import IO

import sidelight_explainers

BOOTSTRAP = """
import sys
sys.path.insert(0, sys.argv[1])
import sidelight_explainers.alibi.inside
del sys.path[0]
from sidelight_explainers.alibi.inside.process import serve
serve(int(sys.argv[2]))
"""
"""The interpreter may be another one, whose packages are not to be mixed with ours."""

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "HF_HUB_OFFLINE": "1",
}
"""The same sets in the same order each time, no threads that a fork would lose, no downloads."""


WORDS = 600
"""Characters of what it wrote last, when it has died."""


class Mother:
    """Started when it is first needed, and again when it has died; ends with this process."""

    def __init__(self, python: Path | None) -> None:
        self._interpreter = str(python or sys.executable)
        self._guard = threading.Lock()
        self._control: socket.socket | None = None
        self._words: IO[str] | None = None

    def fork(self) -> socket.socket:
        """The socket of a new process that waits to be told which explainer it is."""
        ours, theirs = socket.socketpair()
        with theirs, self._guard:
            try:
                self._send(theirs)
            except OSError:
                self._start()
                self._send(theirs)
        return ours

    def words(self) -> str:
        """What it, or a process of it, wrote last."""
        if self._words is None:
            return ""
        self._words.seek(0)
        return self._words.read()[-WORDS:].strip()

    def _send(self, line: socket.socket) -> None:
        if self._control is None:
            raise BrokenPipeError("not started yet")
        socket.send_fds(self._control, [b"e"], [line.fileno()])

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        words = tempfile.TemporaryFile("w+")  # noqa: SIM115, it is read when the process has ended
        place = Path(sidelight_explainers.__file__).parent.parent
        with theirs:
            process = subprocess.Popen(  # noqa: S603, who writes the configuration chooses it
                [self._interpreter, "-c", BOOTSTRAP, str(place), str(theirs.fileno())],
                env={**os.environ, **ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._control, self._words = ours, words
        weakref.finalize(self, _stop, process, ours, words)


@functools.cache
def mother_of(python: Path | None) -> Mother:
    """The one of this interpreter; None is our own."""
    return Mother(python)


def _stop(process: subprocess.Popen[bytes], control: socket.socket, words: IO[str]) -> None:
    """It ends by itself when its socket is closed; its explainers end with theirs."""
    control.close()
    words.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
    process.kill()
    process.wait()
