"""The JSON Schema of the configuration file, for editors; `docs/sidelight.schema.json` holds it."""

from __future__ import annotations

import json

from sidelight.config.settings import Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text() -> str:
    """The schema as indented JSON, ending in a newline."""
    schema = {"$schema": DIALECT, **Settings.model_json_schema()}
    return json.dumps({**schema, "title": "sidelight.yaml"}, indent=2) + "\n"
