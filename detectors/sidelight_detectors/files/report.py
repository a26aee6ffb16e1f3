"""A file's report as JSON or as a table of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import orjson

from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.files.aligning import aligned
from sidelight_detectors.files.gaps import bias_lines
from sidelight_detectors.files.scoring import (
    FileFlags,
    FileOutlier,
    FileReport,
    FileWindow,
    OtherWindow,
)

_WINDOW_HEAD = (
    *("rows", "segment", "drift", "column", "method"),
    *("distance", "effect", "p-value", "threshold"),
)

MAX_LISTED = 20
"""Flagged rows a table lists; JSON has all that the report has."""


_KEYS = {"outlier": "outliers"}
"""Where JSON does not name the flagged rows after the detector."""


def as_json(report: FileReport) -> str:
    """One JSON object, indented."""
    return orjson.dumps(_document(report), option=orjson.OPT_INDENT_2).decode()


def as_table(report: FileReport) -> str:
    """A line a window, then the strangest rows."""
    flagged = (line for flags in report.flags for line in _flag_lines(report, flags))
    told = (*_window_lines(report), *_permutation_lines(report), *_bias_lines(report))
    return "\n".join([*told, *flagged])


def _document(report: FileReport) -> dict[str, Any]:
    return {
        "model": report.model,
        "rows": report.rows,
        "unjudged_rows": report.unjudged,
        "unobserved": report.unobserved,
        "promise": report.promise,
        "drift": {
            "found": report.drift_found,
            "windows": [
                {
                    "rows": [window.begin, window.end],
                    "segment": window.result.about.segment,
                    "is_drift": window.result.finding.is_drift,
                    "alpha": window.result.finding.alpha,
                    "tolerance": window.result.finding.tolerance,
                    "columns": [asdict(column) for column in window.result.finding.columns],
                }
                for window in report.windows
            ],
        },
        "others": [
            {
                "detector": window.result.detector,
                "rows": [window.begin, window.end],
                "segment": window.result.about.segment,
                "is_drift": window.result.finding.is_drift,
                "finding": window.result.finding,
            }
            for window in report.others
        ],
        "bias": [_compared(finding) for finding in report.bias],
        "bias_unjudged": report.bias_unjudged,
        "permutation": asdict(report.permutation) if report.permutation else None,
        **{_KEYS.get(flags.detector, flags.detector): _flagged(flags) for flags in report.flags},
    }


def _compared(finding: BiasFinding) -> dict[str, Any]:
    return {"labels": finding.has_labels, "verdict": finding.verdict, "finding": finding}


def _flagged(flags: FileFlags) -> dict[str, Any]:
    return {
        "found": flags.flagged > 0,
        "flagged": flags.flagged,
        "method": flags.method,
        "guarantee": {**asdict(flags.guarantee), "text": str(flags.guarantee)},
        "rows": [
            {
                "row": outlier.row,
                "score": outlier.result.score,
                "p_value": outlier.result.p_value,
                "contributions": dict(outlier.result.contributions),
                "reasons": outlier.result.reasons,
            }
            for outlier in flags.strangest
        ],
    }


def _window_lines(report: FileReport) -> Iterator[str]:
    if report.windows:
        yield from aligned([_WINDOW_HEAD, *map(_window_cells, report.windows)])
    if report.others:
        yield from aligned([("rows", "detector", "drift"), *map(_other_cells, report.others)])
    if report.unjudged:
        yield f"the last {report.unjudged} rows are too few to be judged"
    for name in report.unobserved:
        yield f"output {name!r} is not in the file: nothing is known of its drift"


def _bias_lines(report: FileReport) -> Iterator[str]:
    yield from bias_lines(report.bias)
    for why in report.bias_unjudged:
        yield f"bias not judged: {why}"


def _permutation_lines(report: FileReport) -> Iterator[str]:
    found = report.permutation
    if found:
        yield (
            f"all columns together, {found.rows} rows against {found.reference_rows} of the "
            f"reference: MMD {found.effect:.4f}, p-value {found.p_value:.2g} by "
            f"{found.permutations} permutations"
        )


def _window_cells(window: FileWindow) -> tuple[str, ...]:
    finding, worst = window.result.finding, window.result.worst
    return (
        f"{window.begin}-{window.end - 1}",
        window.result.about.segment or "all",
        "yes" if finding.is_drift else "no",
        worst.column,
        worst.method,
        f"{worst.distance:.4f}",
        f"{worst.effect:.4f}",
        f"{worst.p_value:.2g}",
        f"{worst.threshold:.2g}",
    )


def _other_cells(window: OtherWindow) -> tuple[str, ...]:
    result = window.result
    told = "yes" if result.finding.is_drift else "no"
    return f"{window.begin}-{window.end - 1}", result.detector, told


def _flag_lines(report: FileReport, flags: FileFlags) -> Iterator[str]:
    yield ""
    by = "" if flags.method == flags.detector else f" ({flags.method})"
    yield f"{flags.detector}{by}: {flags.flagged} of {report.rows} rows flagged"
    yield str(flags.guarantee)
    strangest = sorted(flags.strangest, key=lambda one: (-one.result.score, one.row))
    if strangest:
        head = ("row", "score", "p-value", "mostly by")
        yield from aligned([head, *map(_flag_cells, strangest[:MAX_LISTED])])


def _flag_cells(outlier: FileOutlier) -> tuple[str, ...]:
    result = outlier.result
    columns = [name for name, part in result.contributions[:3] if part > 0]
    why = ", ".join(result.reasons or columns)
    return str(outlier.row), f"{result.score:.2f}", f"{result.p_value:.2g}", why
