"""What lies in `deploy/`, read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
MANIFESTS = sorted(path for path in DEPLOY.rglob("*.yaml") if path.parent != DEPLOY)

Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def of_kind(kind: str) -> Iterator[tuple[Path, Document]]:
    for path in MANIFESTS:
        yield from ((path, one) for one in documents(path) if one.get("kind") == kind)


def pod(document: Document) -> Document:
    """The pod of a Deployment or of a KServe service's predictor."""
    spec: Document = document["spec"]
    inside: Document = spec["predictor"] if "predictor" in spec else spec["template"]["spec"]
    return inside


def inference_service_schema() -> Document:
    """KServe's schema, which allows what it names and nothing else."""
    text = (Path(__file__).parent / "inferenceservice.schema.json").read_text()
    schema: Document = json.loads(text)
    _close(schema["properties"]["spec"])
    return schema


def _close(schema: Document) -> None:
    """The API server prunes what a schema does not name; here it is an error."""
    properties = schema.get("properties", {})
    if properties and "x-kubernetes-preserve-unknown-fields" not in schema:
        schema.setdefault("additionalProperties", False)
    inner = [*properties.values(), schema.get("items"), schema.get("additionalProperties")]
    for one in inner:
        if isinstance(one, dict):
            _close(one)
