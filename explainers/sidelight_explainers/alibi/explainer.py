"""Asks alibi for one explanation, and answers its questions through the inquiry."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Mapping
from typing import Any

from sidelight.config.explaining.alibi import AlibiSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.alibi.answers import Classes, Numbers
from sidelight_explainers.alibi.forms import Form
from sidelight_explainers.alibi.inside.wire import Message
from sidelight_explainers.alibi.instance import Instance, Line, Ready
from sidelight_explainers.alibi.kinds import Kind
from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.subject import Subject

LOOK_SECONDS = 0.02
"""How often is looked whether anybody still waits, while alibi thinks."""

SEEDS = 1 << 32
"""numpy's old generator, which alibi draws from, takes seeds below this."""


class AlibiExplainer:
    """An explainer of alibi. Each explanation is made by a process of its own."""

    def __init__(
        self,
        subject: Subject,
        method: str,
        kind: Kind,
        form: Form,
        instance: Instance,
        ready: Ready,
        at_once: int,
    ) -> None:
        self._subject = subject
        self._method = method
        self._kind = kind
        self._form = form
        self._instance = instance
        self._ready = ready
        self._places = threading.BoundedSemaphore(at_once)

    def __call__(self, rows: Columns, options: AlibiSettings, inquiry: Inquiry) -> Explanation:
        self._check(rows, options)
        question = self._question(rows, options)
        answers = self._answers(options)
        self._wait(inquiry)
        try:
            told = self._conversation(question, rows, answers, inquiry)
        finally:
            self._places.release()
        return self._explanation(told, options, answers, inquiry)

    def _check(self, rows: Columns, options: AlibiSettings) -> None:
        if options.scope == "local" and len(rows) != 1:
            raise DataMismatch(f"{self._method} explains one row, got {len(rows)}")
        if options.target is not None and len(rows):
            raise DataMismatch(
                f"{self._method} explains the model over the reference, whose outcomes it knows;"
                " send no rows"
            )

    def _question(self, rows: Columns, options: AlibiSettings) -> Message:
        """Without rows it is about the reference, which the process has."""
        told = {"seed": options.seed % SEEDS, "explain": options.explain, "text": None}
        if not len(rows):
            return Message(told)
        encoded = self._form.encode(rows)
        if isinstance(encoded, list):
            return Message({**told, "text": encoded[0]})
        return Message(told, {"instance": encoded if self._kind.takes_rows else encoded[0]})

    def _answers(self, options: AlibiSettings) -> Numbers | Classes:
        output = self._subject.output(options)
        return Classes(output, options) if self._ready.answers == "classes" else Numbers(output)

    def _wait(self, inquiry: Inquiry) -> None:
        while not self._places.acquire(timeout=LOOK_SECONDS):
            inquiry.check()

    def _conversation(
        self, question: Message, rows: Columns, answers: Numbers | Classes, inquiry: Inquiry
    ) -> Mapping[str, Any]:
        """What the process says last."""
        line = self._instance.line()
        try:
            line.send(question.told, **question.arrays)
            while "ask" in (message := _next(line, inquiry)).told:
                line.send({}, answer=self._answer(message, rows, answers, inquiry))
            return message.told
        finally:
            line.end()

    def _answer(
        self, message: Message, rows: Columns, answers: Numbers | Classes, inquiry: Inquiry
    ) -> Any:
        texts = message.told["ask"]
        asked = self._form.decode(message.arrays["rows"] if texts is None else texts, rows)
        if len(asked) > inquiry.left:
            raise DataMismatch(
                f"{self._method} asks for more rows than its budget; set a larger 'budget' (rows),"
                " or arguments in 'explain' that need fewer"
            )
        return answers(inquiry.ask(asked))

    def _explanation(
        self,
        told: Mapping[str, Any],
        options: AlibiSettings,
        answers: Numbers | Classes,
        inquiry: Inquiry,
    ) -> Explanation:
        if "failed" in told:
            raise DataMismatch(f"{self._method}: alibi's {self._ready.name} says: {told['failed']}")
        found = _finite(json.loads(told["explanation"]))
        data = {**found["data"], **({"classes": answers.classes} if answers.classes else {})}
        content = Foreign(self._ready.name, options.scope, data, _prediction(data))
        quality = inquiry.quality("accurate")
        params = {**found["meta"].pop("params", {})}
        return Explanation(
            self._subject.name,
            self._method,
            params,
            content,
            quality,
            meta=found["meta"],
            glossary=self._subject.settings.glossary,
        )


def _next(line: Line, inquiry: Inquiry) -> Message:
    while (message := line.receive(LOOK_SECONDS)) is None:
        inquiry.check()
    return message


def _prediction(data: Mapping[str, Any]) -> Any:
    raw = data.get("raw")
    found = raw.get("prediction") if isinstance(raw, dict) else None
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def _finite(value: Any) -> Any:
    """With null for the numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
