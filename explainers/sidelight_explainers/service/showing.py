"""Explanations as pictures, for clients whose ``Accept`` prefers one to JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import Response

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.refusals import NotOnePicture

if TYPE_CHECKING:
    from sidelight_explainers.pictures.rendering import PictureKind

PICTURES: dict[str, PictureKind] = {
    "text/html": "html",
    "image/svg+xml": "svg",
    "image/png": "png",
}


def picture_wanted(accept: str) -> PictureKind | None:
    """The picture that an ``Accept`` header names and likes best; None where that is JSON."""
    likes = dict(map(_liked, accept.lower().split(",")))
    best = max(PICTURES, key=lambda name: likes.get(name, 0.0))
    liked = likes.get(best, 0.0)
    is_liked = liked > likes.get("application/json", 0.0) and liked >= likes.get("*/*", 0.0)
    return PICTURES[best] if is_liked else None


def picture(explanations: Sequence[Explanation], kind: PictureKind) -> Response:
    """The one explanation drawn; `NotOnePicture` for several."""
    from sidelight_explainers.pictures.rendering import render

    if len(explanations) != 1:
        raise NotOnePicture(
            f"{len(explanations)} explanations are no one picture; send one row, or accept JSON"
        )
    content, media_type = render(explanations[0], kind)
    return Response(content, media_type=media_type, headers={"vary": "accept"})


def _liked(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    told = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    return name, float(told) if re.fullmatch(r"[01](\.[0-9]{0,3})?", told) else 0.0
