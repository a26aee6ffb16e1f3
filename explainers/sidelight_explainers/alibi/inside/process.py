"""The processes of alibi: one that imports it, of which come one for each explainer, of which come
one for each explanation.

A fork starts in a millisecond from what is imported and checked, shares its memory until it writes,
shares nothing with other explanations, and can be killed at any time without harm to the next.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket

from sidelight_explainers.alibi.inside.explaining import Predictor, explain, rehearse
from sidelight_explainers.alibi.inside.importing import (
    GRAPHS,
    Refused,
    alibi_explainer,
    alibi_version,
)
from sidelight_explainers.alibi.inside.recipes import Recipe, prepare
from sidelight_explainers.alibi.inside.wire import Message, receive, send

TENSORFLOW = (*GRAPHS, "IntegratedGradients")
"""They are never made before the fork: what TensorFlow has begun to compute with hangs after it."""


def serve(descriptor: int) -> None:
    """Begin explainers until the other side of the socket is closed."""
    control = socket.socket(fileno=descriptor)
    with contextlib.suppress(Refused):
        alibi_explainer("ALE")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := _next_line(control):
        if os.fork() == 0:
            control.close()
            os.setsid()
            try:
                _serve_one(line)
            finally:
                os._exit(0)
        line.close()


def _serve_one(control: socket.socket) -> None:
    """One explainer, until its socket is closed; nobody that it has forked outlives that."""
    setup = receive(control)
    try:
        recipe, predictor = _ready(setup)
    except Exception as exc:  # Constructors of alibi raise anything; the parent says it in words.
        refusal = str(exc) if isinstance(exc, Refused) else f"{type(exc).__name__}: {exc}"
        send(control, {"refused": refusal})
        return
    version = alibi_version()
    send(control, {"ready": recipe.name, "version": version, "answers": predictor.answers})
    while line := _next_line(control):
        _fork(control, line, recipe, predictor, setup.told["memory_bytes"])
    os.killpg(0, signal.SIGKILL)


def _ready(setup: Message) -> tuple[Recipe, Predictor]:
    predictor = Predictor(setup.told["answers"] or "classes")
    recipe = prepare(setup, predictor)
    by_name = "classes" if recipe.name.startswith("Anchor") else "numbers"
    predictor.answers = setup.told["answers"] or by_name
    example = setup.told["text"] or setup.arrays.get("instance")
    if example is not None and recipe.name not in TENSORFLOW:
        rehearse(recipe, predictor, example)
    return recipe, predictor


def _next_line(control: socket.socket) -> socket.socket | None:
    """The socket of who asks next; None when nobody asks any more."""
    _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
    return socket.socket(fileno=descriptors[0]) if descriptors else None


def _fork(
    control: socket.socket, line: socket.socket, recipe: Recipe, predictor: Predictor, memory: int
) -> None:
    child = os.fork()
    if child == 0:
        control.close()
        try:
            explain(recipe, predictor, line, memory)
        finally:
            os._exit(0)
    with line, contextlib.suppress(OSError):  # it, or who asked, may be gone already
        handle = os.pidfd_open(child)
        socket.send_fds(line, [b"p"], [handle])
        os.close(handle)
