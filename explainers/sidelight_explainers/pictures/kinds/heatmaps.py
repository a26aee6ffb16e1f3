"""A picture under the heat of what the output needs."""

from __future__ import annotations

from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.quality import cost
from sidelight_explainers.pictures.kinds.regions import tinted
from sidelight_explainers.pictures.names import Names
from sidelight_explainers.pictures.page import Page, Paragraph
from sidelight_explainers.pictures.wording import cut, number


def heatmap_page(content: Heatmap, explanation: Explanation) -> Page:
    """Where the model looks."""
    output = Names(explanation.glossary).column(content.output)
    heading = f"Where {cut(explanation.model)} looks for {output}"
    told = f"The answer is {number(content.prediction)}; it needs the warm places most."
    blocks = (Paragraph(told, strong=True), tinted(content.picture, content.heat))
    return Page(heading, blocks, (cost(explanation),))
