"""Fonts, and how wide text is in them."""

from __future__ import annotations

import re
from functools import lru_cache

from PIL import ImageFont

FAMILY = "'DejaVu Sans',Verdana,sans-serif"
"""Fonts of one width, so that text measured in one fits in the other."""

_BREAKS = re.compile(r"(?<=\s)(?=\S)|(?<=\w[-_/])(?=\w)")
_WIDE = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
_WIDE_FONTS = ("NotoSansCJK-Regular.ttc", "wqy-zenhei.ttc")


@lru_cache(maxsize=64)
def font(size: float, bold: bool = False) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """DejaVu Sans where the system has it, else the Latin letters that Pillow brings."""
    try:
        return ImageFont.truetype("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf", round(size))
    except OSError:
        return ImageFont.load_default(size)


def font_for(text: str, size: float, bold: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """One of Chinese, Japanese and Korean where the text needs it and the system has it."""
    wide = _wide_font(size) if _WIDE.search(text) else None
    return wide or font(size, bold)


@lru_cache(maxsize=16)
def _wide_font(size: float) -> ImageFont.FreeTypeFont | None:
    for name in _WIDE_FONTS:
        try:
            return ImageFont.truetype(name, round(size))
        except OSError:
            continue
    return None


def width_of(text: str, size: float, bold: bool = False) -> float:
    """In pixels; letters of the wide scripts are as wide as high."""
    narrow, count = _WIDE.subn("", text)
    return font(size, bold).getlength(narrow) + count * size


def pieces(text: str) -> list[str]:
    """Between spaces, and after hyphens and the like: where lines may end."""
    return [piece for piece in _BREAKS.split(text) if piece]


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
