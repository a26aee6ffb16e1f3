"""An explanation of every kind, to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sidelight_explainers.contents.anchor import Anchor, Condition
from sidelight_explainers.contents.attributions import Attribution, Attributions
from sidelight_explainers.contents.content import Content
from sidelight_explainers.contents.counterfactual import Change, Counterfactual, Counterfactuals
from sidelight_explainers.contents.curves import Curve, Curves
from sidelight_explainers.contents.examples import Example, Examples
from sidelight_explainers.contents.foreign import Foreign
from sidelight_explainers.contents.heatmap import Heatmap
from sidelight_explainers.contents.importances import Importance, Importances
from sidelight_explainers.contents.layout import ImageLayout, TextLayout
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.quality import Quality

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (96, 128, 3)).astype(np.uint8)
SEGMENTS = (np.arange(96)[:, None] // 24 * 4 + np.arange(128)[None] // 32).astype(np.int32)
WORDS = "Not good at all, but I could not stop laughing!"


def explanation(content: Content, method: str = "method", model: str = "income") -> Explanation:
    return Explanation(model, method, {}, content, Quality(1984, 0, 3, 0.12, 2048, "budget"))


def attributions(
    told: Sequence[tuple[str, Any, float]], half: float | None = 0.01, **more: Any
) -> Attributions:
    """Of (name, value, contribution), with intervals of that half width."""
    shares = tuple(
        Attribution(name, value, one, None, None)
        if half is None
        else Attribution(name, value, one, one - half, one + half)
        for name, value, one in told
    )
    base = 0.32
    defaults: dict[str, Any] = {"additivity_gap": 0.0, "interval": "reliable"}
    prediction = base + sum(one for _, _, one in told)
    return Attributions("probability[1]", base, prediction, shares, "x", **defaults | more)


def text_layout(text: str = WORDS) -> TextLayout:
    """Every word between spaces is a player."""
    spans, at = [], 0
    for word in text.split(" "):
        spans.append(((at, at + len(word)),))
        at += len(word) + 1
    return TextLayout("text", text, tuple(spans))


def of_text(text: str = WORDS) -> Attributions:
    words = text.split(" ")
    amounts = RNG.normal(0, 0.1, len(words))
    told = [(f"text[{at}]", word, float(amounts[at])) for at, word in enumerate(words)]
    return attributions(told, layout=text_layout(text))


def of_picture() -> Attributions:
    told = [(f"image[{at}]", "#808080", float(RNG.normal())) for at in range(16)]
    return attributions(told, layout=ImageLayout("image", PICTURE, SEGMENTS))


def anchor(found: bool = True, **more: Any) -> Anchor:
    rule = (Condition("age", 0, "age > 37"), Condition("sex", 1, "sex = f"))
    return Anchor("p", "yes", rule, found, 0.97, 0.95, 0.95, 0.12, 2000, "the reference", **more)


def counterfactuals(ways: int = 2) -> Counterfactuals:
    told = (
        Counterfactual((Change("hours", 38.0, 45.0), Change("school", "a", "b")), 1, 0.6, 1.5, 0.4),
        Counterfactual((Change("age", 23.0, 47.5),), 1, 0.51, 2.1, 0.9),
    )
    return Counterfactuals("p", 0, 0.23, "1", told[:ways])


def curves() -> Curves:
    points = tuple(np.linspace(17, 90, 21).tolist())
    effects = tuple(np.tanh((np.array(points) - 40) / 15).tolist())
    low = tuple(one - 0.1 for one in effects)
    high = tuple(one + 0.1 for one in effects)
    lines = tuple(tuple(one * scale for one in effects) for scale in (0.5, 1.5))
    return Curves(
        "p",
        "centred",
        0.3,
        (
            Curve("age", points, effects, low, high, lines),
            Curve("school", ("a", "b", None), (-0.1, 0.2, 0.0), (-0.2, 0.1, -0.1), (0, 0.3, 0.1)),
            Curve("flat", (0.0, 1.0), (0.0, 0.0)),
        ),
        "the reference",
        500,
    )


def importances() -> Importances:
    told = tuple(Importance(f"f{at}", 0.2 / (at + 1), 0.1 / (at + 1), 0.3) for at in range(25))
    return Importances("p", "log loss", 0.41, told, "the reference", 500)


def examples() -> Examples:
    row = {"age": 37.0, "sex": None, "school": "a"}
    near = tuple(Example(at, 0.1 * at, {**row, "age": 38.0}, 1, at % 2, True) for at in range(5))
    return Examples("p", 1, row, near, 5000)


def heatmap() -> Heatmap:
    heat = np.add.outer(np.linspace(-1, 1, 96), np.linspace(-1, 1, 128))
    return Heatmap("p[5]", 0.93, heat, None, "image", PICTURE)


KINDS: dict[str, Content] = {
    "features": attributions([("age", 37, 0.2), ("sex", None, -0.1), ("school", "a", 0.0)]),
    "many features": attributions([(f"f{at}", at, 0.1 / (at + 1)) for at in range(60)]),
    "no feature": attributions([]),
    "amounts alone": attributions([("age", 37, 0.2)], None, additivity_gap=None, interval=None),
    "words": of_text(),
    "regions": of_picture(),
    "anchor": anchor(),
    "no anchor": anchor(found=False),
    "anchor of words": anchor(layout=text_layout()),
    "anchor of regions": anchor(layout=ImageLayout("image", PICTURE, SEGMENTS)),
    "counterfactuals": counterfactuals(),
    "no counterfactual": counterfactuals(0),
    "curves": curves(),
    "importances": importances(),
    "examples": examples(),
    "heatmap": heatmap(),
    "foreign": Foreign("CEM", "local", {"PN": [[1.0] * 40], "deep": {"er": {"x": None}}}),
}
