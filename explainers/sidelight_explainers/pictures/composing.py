"""From an explanation to what is shown of it."""

from __future__ import annotations

from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.contents.attributions import Attributions
from sidelight_explainers.contents.counterfactual import Counterfactuals
from sidelight_explainers.contents.curves import Curves
from sidelight_explainers.contents.examples import Examples
from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.contents.importances import Importances
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.kinds.anchors import anchor_page
from sidelight_explainers.pictures.kinds.attributions import attributions_page
from sidelight_explainers.pictures.kinds.counterfactuals import counterfactuals_page
from sidelight_explainers.pictures.kinds.curves import curves_page
from sidelight_explainers.pictures.kinds.examples import examples_page
from sidelight_explainers.pictures.kinds.foreign import foreign_page
from sidelight_explainers.pictures.kinds.heatmaps import heatmap_page
from sidelight_explainers.pictures.kinds.importances import importances_page
from sidelight_explainers.pictures.kinds.unknown import table_of, unknown_page
from sidelight_explainers.pictures.page import Page


def compose(explanation: Explanation) -> Page:
    """What a person should see of it; a table for kinds that have no better form."""
    match explanation.content:
        case Attributions() as content:
            return attributions_page(content, explanation)
        case Anchor() as content:
            return anchor_page(content, explanation)
        case Counterfactuals() as content:
            return counterfactuals_page(content, explanation)
        case Curves() as content:
            return curves_page(content, explanation)
        case Importances() as content:
            return importances_page(content, explanation)
        case Examples() as content:
            return examples_page(content, explanation)
        case Heatmap() as content:
            return heatmap_page(content, explanation)
        case Foreign() as content:
            return foreign_page(content, explanation, [table_of(content.data)])
    return unknown_page(explanation)
