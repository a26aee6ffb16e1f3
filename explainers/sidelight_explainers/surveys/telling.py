"""From rows and questions to an explanation, told piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sidelight.config.explaining.surveying import SurveySettings
from sidelight.tensors import Columns
from sidelight_explainers.contents.content import Content
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Stopped
from sidelight_explainers.subject import Subject
from sidelight_explainers.surveys.asking import Answered, ask_parts
from sidelight_explainers.surveys.survey import Pool


@dataclass(frozen=True)
class Telling:
    """One request to a global method over rows of the pool: `content` is made of what is answered
    so far."""

    subject: Subject
    method: str
    options: SurveySettings
    pool: Pool
    content: Callable[[Answered], Content]

    def explain(self, rows: Columns, parts: Mapping[str, Columns], inquiry: Inquiry) -> Explanation:
        """Asks the rows and every part, and shows what is known in between."""

        ended = self._ended(len(rows))

        def told(answered: Answered) -> Explanation:
            quality = inquiry.quality(ended if answered.stopped == "accurate" else "deadline")
            content = self.content(answered)
            return self.subject.explanation(self.method, self.options, content, quality)

        output = self.subject.output(self.options)
        return told(ask_parts(rows, parts, output, inquiry, lambda one: inquiry.show(told(one))))

    def _ended(self, count: int) -> Stopped:
        """Why no more rows than these were looked at, when all that was asked is answered."""
        wished = min(self.options.rows, len(self.pool.rows))
        return "budget" if count < wished else "accurate"
