"""What our rules and Grafana's dashboards ask Prometheus for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DASHBOARD = Path(__file__).parents[2] / "dashboard"
RULES = sorted((DASHBOARD / "prometheus" / "rules").glob("*.yml"))
GRAFANA = sorted((DASHBOARD / "grafana" / "dashboards").glob("*.json"))

_METRIC = re.compile(r"\bsidelight_[a-z0-9_]+")
_GROUPING = re.compile(r"\b(?:by|on) ?\(([^)]+)\)")
_MATCHERS = re.compile(r"\{([^{}]*)\}")
_LEGEND = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Asked:
    """An expression, where it stands, and the labels that its series are named by."""

    place: str
    expr: str
    named_by: frozenset[str] = frozenset()

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset(_METRIC.findall(self.expr))

    @property
    def labels(self) -> frozenset[str]:
        """Those it groups, joins or chooses by; an empty value chooses what has no such label."""
        grouped = [label for group in _GROUPING.findall(self.expr) for label in group.split(",")]
        matched = [
            part.strip() for group in _MATCHERS.findall(self.expr) for part in group.split(",")
        ]
        chosen = [re.split(r"[=!]", part)[0] for part in matched if not part.endswith('=""')]
        return frozenset(label.strip() for label in (*grouped, *chosen)) - {""}


def rules(kind: str) -> Iterator[dict[str, Any]]:
    """Of all files: ``alert`` or ``record``."""
    for path in RULES:
        groups = yaml.safe_load(path.read_text())["groups"]
        yield from (rule for group in groups for rule in group["rules"] if kind in rule)


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """With the dashboard's uid."""
    for path in GRAFANA:
        dashboard = json.loads(path.read_text())
        yield from ((dashboard["uid"], panel) for panel in dashboard["panels"])


def asked_by_grafana(model: str) -> Iterator[Asked]:
    """Each query of each panel, for this model and all that there is of everything else."""
    for uid, panel in panels():
        for target in panel["targets"]:
            expr = re.sub(r'=~"\$\w+"', '=~".*"', target["expr"])
            expr = expr.replace("$model", model).replace("$__rate_interval", "1m")
            named_by = frozenset(_LEGEND.findall(target["legendFormat"]))
            yield Asked(f"{uid}: {panel['title']}", expr, named_by)


def asked_by_rules() -> Iterator[Asked]:
    for kind in ("record", "alert"):
        yield from (Asked(rule[kind], rule["expr"]) for rule in rules(kind))
