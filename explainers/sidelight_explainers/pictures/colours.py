"""The colours of all pictures, by day and by night.

Up is a warm colour, down a cold one: the pair stays apart for colour-blind eyes, and signs are
written beside every bar.
"""

from __future__ import annotations

from typing import Literal

Paint = Literal["card", "ink", "soft", "rule", "up", "down", "mute", "tint"]

LIGHT: dict[Paint, str] = {
    "card": "#ffffff",
    "ink": "#1b1f24",
    "soft": "#57606a",
    "rule": "#c9d1d9",
    "up": "#d9480f",
    "down": "#1864ab",
    "mute": "#8c959f",
    "tint": "#fff3bf",
}

DARK: dict[Paint, str] = {
    "card": "#16191d",
    "ink": "#e6e9ec",
    "soft": "#a3abb4",
    "rule": "#3d444d",
    "up": "#ff922b",
    "down": "#4dabf7",
    "mute": "#7d8590",
    "tint": "#4d3f10",
}


def rgb(paint: Paint) -> tuple[int, int, int]:
    """By day."""
    told = LIGHT[paint]
    return int(told[1:3], 16), int(told[3:5], 16), int(told[5:7], 16)


def variables(colours: dict[Paint, str]) -> str:
    """As CSS custom properties."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())
