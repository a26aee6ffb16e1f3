"""Numbers that JSON cannot write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def with_nan(saved: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields; JSON has no NaN and no infinity, and has null in their place."""
    return {name: math.nan if value is None else value for name, value in saved.items()}
