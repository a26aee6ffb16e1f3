"""Runs a command that dies with its parent: ``python tether.py PARENT_PID COMMAND...``, or `tied`.

A small program of its own because the tie must be made in the child, between fork and exec, and
Python code run there (`preexec_fn`) can deadlock when the parent has threads. It takes the place of
the command for some milliseconds, ties itself to the parent, and becomes the command.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tied(command: Sequence[str]) -> list[str]:
    """The command to start instead, from this process's main thread."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def tie_to(parent: int) -> None:
    """Ask the kernel for a SIGKILL when the parent dies; leave now if it already has.

    Linux only. Elsewhere a parent that is killed with -9 leaves its children running.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    tie_to(int(sys.argv[1]))
    command = sys.argv[2:]
    try:
        os.execvp(command[0], command)  # noqa: S606 - becoming the command is the purpose
    except OSError as exc:
        sys.exit(f"sidelight: cannot run {command[0]!r}: {exc.strerror}")


if __name__ == "__main__":
    main()
