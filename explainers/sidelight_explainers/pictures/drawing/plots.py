"""A small plot of effects along one feature: a line over numbers, dots beside categories."""

from __future__ import annotations

from sidelight_explainers.pictures.drawing.dots import draw_dots
from sidelight_explainers.pictures.drawing.flow import Drawn
from sidelight_explainers.pictures.drawing.lines import draw_line
from sidelight_explainers.pictures.drawing.shapes import Drawing
from sidelight_explainers.pictures.page import Plot


def plot_alone(plot: Plot, width: float) -> Drawing:
    """A drawing of nothing else."""
    drawn = draw_plot(plot, 0, width)
    return Drawing(width, drawn.bottom, drawn.shapes, plot.title)


def draw_plot(plot: Plot, top: float, width: float) -> Drawn:
    """With its title, its intervals and its single rows."""
    return draw_line(plot, top, width) if plot.places else draw_dots(plot, top, width)
