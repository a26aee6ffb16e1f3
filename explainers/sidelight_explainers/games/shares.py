"""Shares of players, put back among all the parts of a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight_explainers.contents.attributions import Attribution

Shares = NDArray[np.float64]


def shared(
    names: Sequence[str],
    values: Sequence[Any],
    playing: NDArray[np.intp],
    contributions: Shares,
    low: Shares | None,
    high: Shares | None,
) -> tuple[Attribution, ...]:
    """Every part with its name and value; those that do not play have a share of zero."""
    count = len(names)
    nothing = [None] * count
    return tuple(
        Attribution(*told)
        for told in zip(
            names,
            values,
            _placed(contributions, playing, count),
            nothing if low is None else _placed(low, playing, count),
            nothing if high is None else _placed(high, playing, count),
            strict=True,
        )
    )


def _placed(values: Shares, playing: NDArray[np.intp], count: int) -> list[float]:
    told = np.zeros(count)
    told[playing] = values
    return told.tolist()
