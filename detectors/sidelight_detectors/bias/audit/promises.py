"""What the audit promises about false alarms, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sidelight_detectors.bias.contract import Comparison


def of_audit(alpha: float, comparisons: Sequence[Comparison], rows: str = "decisions") -> str:
    """The promise of an `AuditRule`; `rows` says what the rates are of, such as ``labels``."""
    if not comparisons:
        return "No group is compared with another, so no alarm of bias is ever raised."
    return (
        "The chance that any alarm of bias ever raised on this model version is false is at most "
        f"{alpha:g}, however long it is watched and whenever it is looked at. False is an alarm "
        f"while none of {_count(comparisons)} is beyond its limit. It rests on no distribution: "
        f"given who is in which group and all {rows} before, the mean chances in each pane of "
        "rows, or window of labels, are within the limits; they may change from one to the next. "
        "Rows that repeat each other, such as retries, are no new evidence and void it."
    )


def _count(comparisons: Sequence[Comparison]) -> str:
    metrics = {one.metric for one in comparisons}
    pairs = {(one.attribute, one.group, one.against) for one in comparisons}
    plural = "s" if len(comparisons) > 1 else ""
    detail = f"metrics: {len(metrics)}, pairs of groups: {len(pairs)}"
    return f"the {len(comparisons)} comparison{plural} ({detail})"
