"""Writes the dashboards of Grafana from their descriptions: ``python -m docs.grafana``.

They ask for what the services serve, not for what rules record, so that they work with any
Prometheus. Tests hold that the files are current, and that all they ask for exists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.panels import SOURCE, Json, Panel, Query, rendered

DESCRIBED = Path(__file__).parent.parent / "dashboard" / "grafana"
WRITTEN = DESCRIBED / "dashboards"

_CHOICE = {
    "name": "datasource",
    "label": "Prometheus",
    "type": "datasource",
    "query": "prometheus",
}
_TO_OTHERS = {
    "type": "dashboards",
    "title": "Sidelight",
    "tags": ["sidelight"],
    "asDropdown": True,
    "keepTime": True,
}
_RAISED = {
    "name": "Alarms raised",
    "datasource": SOURCE,
    "enable": True,
    "iconColor": "red",
    "expr": "changes(sidelight_detectors_alarms_total[2m]) > 0",
    "titleFormat": "{{model}} {{version}}: {{detector}}",
}


def texts() -> Iterator[tuple[Path, str]]:
    """Each file and what it should hold."""
    for path in sorted(DESCRIBED.glob("*.yaml")):
        told = json.dumps(dashboard(path), indent=2, ensure_ascii=False)
        yield WRITTEN / f"{path.stem}.json", told + "\n"


def dashboard(path: Path) -> Json:
    """A dashboard as Grafana imports it."""
    described = yaml.safe_load(path.read_text())
    return {
        "uid": described["uid"],
        "title": described["title"],
        "description": described["told"],
        "tags": ["sidelight"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "links": [_TO_OTHERS],
        "templating": {"list": [_CHOICE, *map(_variable, described.get("variables", ()))]},
        "annotations": {"list": [_RAISED]},
        "panels": list(rendered([_panel(one) for one in described["panels"]])),
    }


def _variable(described: Json) -> Json:
    """A choice at the top: the values of a label, of which several may be taken unless `many`
    says no."""
    is_many = described.get("many", True)
    told: Json = {
        "name": described["name"],
        "type": "query",
        "datasource": SOURCE,
        "definition": described["values"],
        "query": {"query": described["values"], "refId": described["name"]},
        "refresh": 2,
        "sort": 1,
        "multi": is_many,
        "includeAll": is_many,
    }
    if is_many:
        told |= {"allValue": ".*", "current": {"text": "All", "value": "$__all"}}
    return told


def _panel(described: dict[str, Any]) -> Panel:
    asked = [Query(expr, name) for name, expr in described.pop("queries").items()]
    limits = [Query(expr, name, True) for name, expr in described.pop("limits", {}).items()]
    return Panel(queries=[*asked, *limits], **described)


def main() -> None:
    WRITTEN.mkdir(exist_ok=True)
    for path, text in texts():
        path.write_text(text)


if __name__ == "__main__":
    main()
