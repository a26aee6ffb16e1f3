"""From rows and questions to an explanation, told piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sidelight.config.explaining.surveying import SurveySettings
from sidelight.tensors import Columns
from sidelight_explainers.contents.content import Content
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.subject import Subject
from sidelight_explainers.surveys.asking import Answered, ask_parts


@dataclass(frozen=True)
class Telling:
    """One request to a global method: `content` is made of what is answered so far."""

    subject: Subject
    method: str
    options: SurveySettings
    content: Callable[[Answered], Content]

    def explain(self, rows: Columns, parts: Mapping[str, Columns], inquiry: Inquiry) -> Explanation:
        """Asks the rows and every part, and shows what is known in between."""

        def told(answered: Answered) -> Explanation:
            quality = inquiry.quality(answered.stopped)
            content = self.content(answered)
            return self.subject.explanation(self.method, self.options, content, quality)

        output = self.subject.output(self.options)
        return told(ask_parts(rows, parts, output, inquiry, lambda one: inquiry.show(told(one))))
