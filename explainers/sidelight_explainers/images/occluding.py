"""Occlusion: what the output loses when a patch of the picture is covered.

Zeiler & Fergus, ECCV 2014 (section 4.2), as a difference; each pixel has the mean loss over the
patches that cover it. Blind to things of which any one is enough, when a patch covers only one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidelight.config.explaining.occlusion import OcclusionSettings
from sidelight.errors import DataMismatch
from sidelight.tensors import Columns
from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.contract import Inquiry
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.images.canvas import Canvas, Canvases
from sidelight_explainers.images.heat import heatmap
from sidelight_explainers.images.patches import Patches, patches_over
from sidelight_explainers.quality import Stopped
from sidelight_explainers.subject import Subject
from sidelight_explainers.sweeping import Forms, sweep


@dataclass(frozen=True)
class Occlusion:
    """Explains one picture."""

    subject: Subject
    canvases: Canvases

    def __call__(self, rows: Columns, options: OcclusionSettings, inquiry: Inquiry) -> Explanation:
        canvas = self.canvases(rows, options.image)
        patches = _patches(canvas, options)
        for content, stopped in _losses(canvas, patches, self.subject.output(options), inquiry):
            told = self.subject.explanation("occlusion", options, content, inquiry.quality(stopped))
            inquiry.show(told)
        return told


def open_method(subject: Subject, _settings: OcclusionSettings) -> Occlusion:
    """Nothing is needed but the model."""
    return Occlusion(subject, Canvases.of(subject))


def _patches(canvas: Canvas, options: OcclusionSettings) -> Patches:
    height, width = canvas.frame.height, canvas.frame.width
    side = max(round(options.patch * min(height, width)), 1)
    stride = max(round(options.stride * side), 1)
    found = patches_over(height, width, side, stride, np.random.default_rng(options.seed))
    needed = len(found) * canvas.size + 1
    if needed > options.budget:
        raise DataMismatch(
            f"a patch of {side} pixels moved by {stride} needs {needed} rows, and the budget is"
            f" {options.budget}; set a larger budget, 'patch' or 'stride'"
        )
    return found


def _losses(
    canvas: Canvas, patches: Patches, output: str | None, inquiry: Inquiry
) -> Iterator[tuple[Heatmap, Stopped]]:
    """What is known after each question, and what stopped it were it the last."""
    losses = np.empty(0)

    def rows(part: slice) -> Columns:
        patch, background = np.divmod(np.arange(len(patches) * canvas.size), canvas.size)
        here = slice(part.start * canvas.size, part.stop * canvas.size)
        return canvas.rows(patches.visible(patch[here]), background[here])

    forms = Forms(canvas.explained(), canvas.size, np.full(len(patches), canvas.size), rows)
    for told in sweep(forms, output, inquiry):
        losses = np.concatenate([losses, told.prediction - told.values.mean(axis=1)])
        facts: dict[str, Any] = {
            "patches": len(losses),
            "patch_pixels": patches.side,
            "estimator": "occlusion",
        }
        content = heatmap(canvas, told, patches.means(losses), None, facts)
        yield content, "accurate" if len(losses) == len(patches) else "deadline"
