"""One explanation, in the process that was made for it."""

from __future__ import annotations

import random
import resource
import socket
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.alibi.inside import texts
from sidelight_explainers.alibi.inside.recipes import Question, Recipe
from sidelight_explainers.alibi.inside.wire import Message, receive, send


class Predictor:
    """The prediction function that alibi is given: it asks through the line of this explanation.

    Without a line it answers zeros of the right form, since alibi's constructors ask about
    invented rows.
    """

    def __init__(self, answers: str) -> None:
        self.answers = answers
        self.line: socket.socket | None = None

    def __call__(self, rows: Any) -> NDArray[Any]:
        if self.line is None:
            shape = (len(rows),) if self.answers == "classes" else (len(rows), 2)
            return np.zeros(shape, int)
        if isinstance(rows, list):
            send(self.line, {"ask": [str(row) for row in rows]})
        else:
            send(self.line, {"ask": None}, rows=np.asarray(rows, np.float64))
        return receive(self.line).arrays["answer"]


def rehearse(recipe: Recipe, predictor: Predictor, instance: Any) -> None:
    """Make the explainer once, so that what is wrong with its arguments is known at the start."""
    with warnings.catch_warnings(action="ignore"):
        explainer = recipe.explainer(predictor, Question(instance, 0, {}))
        texts.spare(explainer)


def explain(recipe: Recipe, predictor: Predictor, line: socket.socket, memory: int) -> None:
    """Answer the one question that comes over the line."""
    try:
        question = _question(receive(line))
        _limit(memory)
        told = _explained(recipe, predictor, line, question)
    except EOFError:
        return
    except MemoryError:
        told = {"failed": f"it needs more than the {memory} bytes that 'memory_bytes' allows"}
    except Exception as exc:  # alibi raises anything; it ends with this process either way.
        told = {"failed": f"{type(exc).__name__}: {exc}"}
    send(line, told)


def _explained(
    recipe: Recipe, predictor: Predictor, line: socket.socket, question: Question
) -> Mapping[str, Any]:
    _seed(question.seed)
    # Where classes are told, constructors ask about invented rows only; where numbers are, they may
    # keep what they are told.
    predictor.line = line if predictor.answers == "numbers" else None
    with warnings.catch_warnings(action="ignore"):
        explainer = recipe.explainer(predictor, question)
        texts.spare(explainer)
        predictor.line = line
        return {"explanation": recipe.explain(explainer, question).to_json()}


def _question(message: Message) -> Question:
    told = message.told
    instance = told["text"] if told["text"] is not None else message.arrays.get("instance")
    return Question(instance, told["seed"], told["explain"])


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)


def _limit(memory: int) -> None:
    """Bound what this process takes beyond what it inherited."""
    with open("/proc/self/status") as status:
        held = next(int(line.split()[1]) for line in status if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (held * 1024 + memory,) * 2)
