"""What was said of groups of columns that redaction drops by now is not told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from sidelight_dashboard.bias.findings import Bias, Flips, Labels
from sidelight_dashboard.bias.windows import Kind, Window
from sidelight_dashboard.hiding import Hidden, is_told
from sidelight_dashboard.words.groups import attributes_of

_REFUSED = "it is of groups that the configuration redacts by now"


class OfGroups(Protocol):
    """Something said of an attribute's groups."""

    @property
    def attribute(self) -> str: ...


Said = TypeVar("Said", bound=OfGroups)


def visible(window: Window[Kind], hidden: Hidden) -> Window[Kind]:
    """The window without them; one that has nothing else to say is as if it were not judged."""
    finding: Any = window.finding
    match finding:
        case Bias():
            groups, gaps = _of(finding.groups, hidden), _of(finding.gaps, hidden)
            finding = replace(finding, groups=groups, gaps=gaps) if gaps else None
        case Flips():
            rates = _of(finding.rates, hidden)
            finding = replace(finding, rates=rates) if rates else None
        case Labels():
            warnings = tuple(one for one in finding.warnings if not _is_of(one, hidden))
            finding = replace(finding, warnings=warnings)
    refused = window.refused or ("" if finding else _REFUSED)
    return replace(window, finding=finding, refused=refused)


def _of(said: Iterable[Said], hidden: Hidden) -> tuple[Said, ...]:
    return tuple(one for one in said if is_told(attributes_of(one.attribute), hidden))


def _is_of(warning: str, hidden: Hidden) -> bool:
    """A warning begins with an attribute and its group: ``sex female: 44.7% have a label``."""
    words = warning.partition(":")[0].split(" ")
    names = (" ".join(words[:count]) for count in range(1, len(words) + 1))
    return any(not is_told(attributes_of(name), hidden) for name in names)
