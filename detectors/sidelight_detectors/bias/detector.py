"""The detector `bias`: decisions about groups of people, and what came true of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.bias import BiasSettings
from sidelight_detectors.alarms.rule import AlarmRule
from sidelight_detectors.bias.asked import Scale, come_true_table, decided_table
from sidelight_detectors.bias.attributes import Attribute
from sidelight_detectors.bias.audit.promises import of_audit
from sidelight_detectors.bias.audit.rule import AuditRule
from sidelight_detectors.bias.counting import Layout
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.bias.groupings import Groups
from sidelight_detectors.bias.reading import decided_of, layout_of
from sidelight_detectors.bias.table import Table
from sidelight_detectors.bias.telling import tell_decisions, tell_labels
from sidelight_detectors.bias.trail import Decided, fixed, unpacked
from sidelight_detectors.contract import Observation, Packed, Sums
from sidelight_detectors.indexed import Indexed
from sidelight_detectors.labels.contract import SettledRule
from sidelight_detectors.outcomes import Outcome
from sidelight_detectors.summary import Summary

NAME = "bias"


@dataclass(frozen=True, eq=False)
class BiasDetector:
    """Rates of decisions by group, and by group and truth.

    Sees: groups that are decided about differently, or wrongly more often. Misses: what the
    attributes do not tell, groups too small to judge, and why groups differ.

    Parameters
    ----------
    scale:
        Of predicted numbers; from 0 to 1 in classification.
    awaits_labels:
        Whether labels are joined as they come, so that rows leave a trail.
    reference:
        Sums of the reference's decisions.
    reference_labels:
        Sums of its labels; zeros where it has none.
    """

    attributes: tuple[Attribute, ...]
    groups: Groups
    outcome: Outcome
    settings: BiasSettings
    scale: Scale
    awaits_labels: bool
    reference: Sums
    reference_labels: Sums

    @property
    def size(self) -> int:
        return self.decisions.size

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for attribute in self.attributes for name in attribute.inputs)

    @property
    def headers(self) -> tuple[str, ...]:
        return tuple(name for attribute in self.attributes for name in attribute.headers)

    def observe(self, rows: Indexed) -> Observation:
        decided = self.decided(rows)
        sums = self.layout.decided(self.groups, decided)
        return Observation(sums, trail=decided.packed() if self.awaits_labels else None)

    def decided(self, rows: Indexed) -> Decided:
        """Groups, decision and score of each row."""
        also = self.settings.also_favorable
        return decided_of(self.attributes, self.outcome, self.scale, rows, also)

    def judge(self, summary: Summary, number: int) -> BiasFinding:
        """Gaps between decisions; labels have no part in them."""
        return self.judge_decisions(summary.sums[NAME], number)

    def judge_decisions(self, sums: Sums, number: int = 1) -> BiasFinding:
        """As `judge`, of this part's sums alone."""
        table, scale = self.decisions, self.scale
        return tell_decisions(table, self.layout, scale, sums, self.settings, number)

    def rule(self) -> AlarmRule:
        return AuditRule(self.decisions, self._alpha, NAME, self.reference)

    @property
    def promise(self) -> str:
        """What is promised about false alarms, and what it rests on."""
        return of_audit(self._alpha, self.decisions.comparisons)

    @property
    def settled_size(self) -> int:
        return self.labels.size

    def awaited(self, trail: NDArray[np.uint8]) -> Sums:
        return self.layout.awaited(self.groups, self._unpacked(trail))

    def labelled(self, trail: NDArray[np.uint8], values: NDArray[np.float64]) -> Sums:
        return self.layout.labelled(self.groups, self._unpacked(trail), self.truth(values))

    def settle(self, sums: Sums, is_final: bool) -> BiasFinding:
        """Gaps between what came true of decisions, in one event-time window."""
        return tell_labels(self.labels, self.layout, sums, self.settings, is_final)

    def settled_rule(self) -> SettledRule:
        return AuditRule(self.labels, self._alpha, NAME, self.reference_labels)

    @property
    def settled_promise(self) -> str:
        """What is promised about false alarms by labels."""
        return of_audit(self._alpha, self.labels.comparisons, "labels")

    def truth(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Labels, numbered as the outcome does, as `Layout.labelled` takes them."""
        if self.outcome.is_regression:
            return fixed(self.scale.place(values))
        return np.isin(values, self.outcome.favorable).astype(np.int64)

    @cached_property
    def decisions(self) -> Table:
        """What decisions alone tell."""
        return decided_table(self.groups, self.layout, self.scale, self.settings)

    @cached_property
    def labels(self) -> Table:
        """What labels tell."""
        return come_true_table(self.groups, self.layout, self.scale, self.settings)

    @cached_property
    def layout(self) -> Layout:
        """The columns of both tables."""
        return layout_of(self.outcome)

    def pack(self) -> Packed:
        header = {
            "settings": self.settings.model_dump(mode="json"),
            "outcome": self.outcome.pack(),
            "scale": asdict(self.scale),
            "awaits_labels": self.awaits_labels,
            "attributes": [attribute.pack() for attribute in self.attributes],
            "groupings": self.groups.pack(),
        }
        arrays: dict[str, NDArray[Any]] = {
            "reference": self.reference,
            "reference_labels": self.reference_labels,
        }
        for place, attribute in enumerate(self.attributes):
            if attribute.side is not None:
                arrays[f"{place}/keys"] = attribute.side.keys
                arrays[f"{place}/codes"] = attribute.side.codes
        return Packed(header, arrays)

    @property
    def _alpha(self) -> float:
        """What each of both rules may err by."""
        both = self.awaits_labels and self.decisions.metrics and self.labels.metrics
        return self.settings.false_alarms / (2 if both else 1)

    def _unpacked(self, trail: NDArray[np.uint8]) -> Decided:
        return unpacked(trail, len(self.attributes))
