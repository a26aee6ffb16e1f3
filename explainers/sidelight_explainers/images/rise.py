"""RISE: which pixels the output needs, from the outputs under many random masks.

Petsiuk, Das & Saenko, BMVC 2018. Their map is the mean output while a pixel is shown, which has
the size of the output everywhere; told here is what the pixel adds: the mean output while it is
shown less that while it is hidden, the slope of the output in the mask's value at the pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sidelight.config.explaining.rise import RiseSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.images.canvas import Canvas, Canvases
from sidelight_explainers.images.heat import heatmap
from sidelight_explainers.images.slopes import Slopes
from sidelight_explainers.images.smooth_masks import SmoothMasks
from sidelight_explainers.quality import Stopped
from sidelight_explainers.subject import Subject
from sidelight_explainers.sweeping import Forms, sweep

FEWEST = 9
"""Rows that the smallest budget must have: the picture and four pairs of masks."""


@dataclass(frozen=True)
class Rise:
    """Explains one picture."""

    subject: Subject
    canvases: Canvases

    def __call__(self, rows: Columns, options: RiseSettings, inquiry: Inquiry) -> Explanation:
        if options.budget < FEWEST:
            raise DataMismatch(f"a budget of {options.budget} rows is too small; set {FEWEST}")
        canvas = self.canvases(rows, options.image)
        height, width = canvas.frame.height, canvas.frame.width
        masks = SmoothMasks(height, width, options.cells, options.visible, options.seed)
        output = self.subject.output(options)
        pairs = (options.budget - 1) // 2
        for content, stopped in _slopes(canvas, masks, pairs, output, inquiry):
            told = self.subject.explanation("rise", options, content, inquiry.quality(stopped))
            inquiry.show(told)
        return told


def open_method(subject: Subject, _settings: RiseSettings) -> Rise:
    """Nothing is needed but the model."""
    return Rise(subject, Canvases.of(subject))


def _slopes(
    canvas: Canvas, masks: SmoothMasks, pairs: int, output: str | None, inquiry: Inquiry
) -> Iterator[tuple[Heatmap, Stopped]]:
    """What is known after each question, and what stopped it were it the last."""
    slopes = Slopes(masks)

    def rows(part: slice) -> Columns:
        told = np.arange(part.start, part.stop)
        return canvas.rows(masks.pairs(told), np.repeat(told % canvas.size, 2))

    forms = Forms(canvas.explained(), 2, np.full(pairs, 2), rows)
    for told in sweep(forms, output, inquiry):
        slopes.add(told.values)
        facts = {"masks": 2 * slopes.known, "visible": masks.visible, "estimator": "rise"}
        content = heatmap(canvas, told, slopes.slope(), slopes.half_width(), facts)
        yield content, "budget" if slopes.known == pairs else "deadline"
