"""An inquiry that tells what it learns to those who learn from it."""

from __future__ import annotations

from sidelight.predictors.caching import model_of
from sidelight.tensors import Columns
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.outputs import choose_output
from sidelight_explainers.quality import Quality, Stopped
from sidelight_explainers.shapley.proxies.learning import Learning
from sidelight_explainers.shapley.proxies.numbers import Numbers


class Buying:
    """An `Inquiry` for one `output`; all that it asks is offered to `learning`."""

    def __init__(
        self, inquiry: Inquiry, learning: Learning, numbers: Numbers, output: str | None
    ) -> None:
        self._inquiry = inquiry
        self._learning = learning
        self._numbers = numbers
        self._output = output

    def ask(self, rows: Columns) -> Columns:
        answers = self._inquiry.ask(rows)
        told = choose_output(answers, self._output)
        self._output = told.name
        table = self._numbers.table(rows)
        self._learning.offer(model_of(answers), told.name, table, told.values)
        return answers

    def check(self) -> None:
        self._inquiry.check()

    def affords(self, rows: int) -> bool:
        return self._inquiry.affords(rows)

    @property
    def left(self) -> int:
        return self._inquiry.left

    def show(self, partial: Explanation) -> None:
        self._inquiry.show(partial)

    def quality(self, stopped: Stopped) -> Quality:
        return self._inquiry.quality(stopped)
