"""Fonts, and how wide text is in them."""

from __future__ import annotations

import re
from functools import lru_cache

from PIL import ImageFont

FAMILY = "'DejaVu Sans',Verdana,sans-serif"
"""Fonts of one width, so that text measured in one fits in the other."""

_PIECES = re.compile(r"[^\s\-_/]*[\s\-_/]+|[^\s\-_/]+")


@lru_cache(maxsize=64)
def font(size: float, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans where the system has it, else the Latin letters that Pillow brings."""
    try:
        return ImageFont.truetype("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)


def width_of(text: str, size: float, bold: bool = False) -> float:
    """In pixels."""
    return font(size, bold).getlength(text)


def pieces(text: str) -> list[str]:
    """Between spaces, and after hyphens and the like: where lines may end."""
    return _PIECES.findall(text)


def wrapped(text: str, size: float, width: float, bold: bool = False) -> list[str]:
    """Lines no wider than that; pieces that are too long are broken."""
    lines: list[str] = []
    line = ""
    for piece in pieces(text):
        if width_of((line + piece).rstrip(), size, bold) <= width:
            line += piece
            continue
        lines.append(line)
        *broken, line = _broken(piece, size, width, bold)
        lines += broken
    return [told for one in (*lines, line) if (told := one.strip())]


def _broken(word: str, size: float, width: float, bold: bool) -> list[str]:
    parts, part = [], ""
    for one in word:
        if part and width_of((part + one).rstrip(), size, bold) > width:
            parts.append(part)
            part = ""
        part += one
    return [*parts, part]


def shortened(text: str, size: float, width: float, bold: bool = False) -> str:
    """The beginning that fits."""
    if width_of(text, size, bold) <= width:
        return text
    kept = len(text)
    while kept and width_of(f"{text[:kept].rstrip()}…", size, bold) > width:
        kept -= 1
    return f"{text[:kept].rstrip()}…"
