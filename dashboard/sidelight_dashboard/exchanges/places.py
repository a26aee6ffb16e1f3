"""The address of a row in paths."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

ROW = "/{topic}/{partition}/{offset}/{row}"

Topic = Annotated[str, Path(max_length=100, examples=["inference"])]
Number = Annotated[int, Path(ge=0, lt=1 << 62, examples=[0])]
