"""Which of many hypotheses a window names: corrections for columns and segments.

A correction answers with one critical p-value for all: what is at most that is named. It is the
largest that names the same hypotheses, so it is also what the strongest unnamed one lacks.

Bonferroni and Holm (Scandinavian Journal of Statistics 6, 1979) keep the chance of any false name
at most alpha, whatever the dependence. Benjamini and Hochberg (JRSS B 57, 1995) keep the expected
share of false names among the named at most alpha, for independent or positively dependent
p-values. e-BH (Wang and Ramdas, JRSS B 84, 2022) keeps that share under any dependence, from
e-values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from sidelight_detectors.contract import DriftFinding

Floats = NDArray[np.float64]


def critical_p(p_values: Floats, alpha: float, correction: str) -> float:
    """The p-value up to which hypotheses are named.

    Parameters
    ----------
    p_values:
        Shape ``(F,)``, in (0, 1], of all hypotheses that are looked at together.
    alpha:
        In (0, 1): the error that `correction` (``holm``, ``bh``, ``ebh`` or ``bonferroni``) keeps.
    """
    return _CRITICAL[correction](np.sort(p_values), alpha)


def e_bh(e_values: Floats, alpha: float) -> float:
    """The e-value from which on hypotheses are named by e-BH; infinite when none is.

    Parameters
    ----------
    e_values:
        Shape ``(F,)``, at least 0: each has expectation at most 1 when nothing has changed.
    """
    count = len(e_values)
    needed = count / (alpha * np.arange(1, count + 1))
    reached = np.flatnonzero(np.sort(e_values)[::-1] >= needed)
    return float(needed[reached[-1]]) if len(reached) else float("inf")


def named_together(
    findings: Sequence[DriftFinding], alpha: float, correction: str
) -> tuple[DriftFinding, ...]:
    """The same findings (of the segments of one window), with all their columns named at once."""
    columns = [column for finding in findings for column in finding.columns]
    critical = critical_p(np.array([column.p_value for column in columns]), alpha, correction)
    tolerances = chain.from_iterable([one.tolerance] * len(one.columns) for one in findings)
    renamed = iter(
        replace(
            column,
            threshold=critical,
            drifted=column.p_value <= critical and column.effect > tolerance,
        )
        for column, tolerance in zip(columns, tolerances, strict=True)
    )
    return tuple(
        replace(one, alpha=alpha, columns=tuple(islice(renamed, len(one.columns))))
        for one in findings
    )


def _bonferroni(ascending: Floats, alpha: float) -> float:
    return alpha / len(ascending)


def _holm(ascending: Floats, alpha: float) -> float:
    left = np.arange(len(ascending), 0, -1)
    refused = np.flatnonzero(ascending > alpha / left)
    return float(alpha / left[refused[0]]) if len(refused) else alpha


def _benjamini_hochberg(ascending: Floats, alpha: float) -> float:
    return _step_up(ascending, alpha * np.arange(1, len(ascending) + 1) / len(ascending))


def _e_bh(ascending: Floats, alpha: float) -> float:
    # 1 / (2 sqrt(p)) is an e-value of any p-value (Vovk and Wang, Annals of Statistics 49, 2021).
    ranks = np.arange(1, len(ascending) + 1)
    return _step_up(ascending, (alpha * ranks / (2 * len(ascending))) ** 2)


def _step_up(ascending: Floats, allowed: Floats) -> float:
    met = np.flatnonzero(ascending <= allowed)
    named = met[-1] + 1 if len(met) else 0
    return float(allowed[min(named, len(allowed) - 1)])


_CRITICAL: Mapping[str, Callable[[Floats, float], float]] = {
    "bonferroni": _bonferroni,
    "holm": _holm,
    "bh": _benjamini_hochberg,
    "ebh": _e_bh,
}
