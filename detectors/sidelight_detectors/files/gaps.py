"""Gaps between groups as a table of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidelight_detectors.bias.finding import FAIR, BiasFinding, GapFinding
from sidelight_detectors.files.aligning import aligned

_HEAD = ("metric", "of", "group", "beside", "rows", "value", "interval", "verdict")


def bias_lines(findings: Sequence[BiasFinding]) -> Iterator[str]:
    """A line a gap, those that are fair only counted."""
    for finding in findings:
        yield ""
        told = [gap for gap in finding.gaps if gap.verdict != FAIR]
        what = "labels" if finding.has_labels else "decisions"
        yield (
            f"bias by {what} of {finding.labelled or finding.rows} rows: {finding.verdict}; "
            f"{len(finding.gaps) - len(told)} of {len(finding.gaps)} gaps are fair"
        )
        if told:
            yield from aligned([_HEAD, *map(_cells, told)])


def _cells(gap: GapFinding) -> tuple[str, ...]:
    return (
        gap.metric,
        gap.attribute,
        gap.group,
        gap.against,
        f"{gap.rows}, {gap.against_rows}",
        f"{gap.value:.3f}",
        f"{gap.low:.3f} to {gap.high:.3f}",
        gap.verdict,
    )
