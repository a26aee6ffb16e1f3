from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from docs import reference
from sidelight.config import load
from sidelight.config.fields import dotted, rows
from sidelight.config.schema import schema_text
from sidelight.config.settings import Settings


def test_the_schema_in_the_docs_is_current() -> None:
    assert reference.SCHEMA.read_text() == schema_text(), "run: python -m docs.reference"


def test_the_table_of_settings_in_the_docs_is_current() -> None:
    assert reference.PAGE.read_text() == reference.page(), "run: python -m docs.reference"


def test_every_setting_has_a_help_text() -> None:
    assert [dotted(row.key) for row in rows() if not row.field.description] == []


def test_the_schema_accepts_the_short_forms_that_the_file_accepts(tmp_path: Path) -> None:
    page = reference.PAGE.read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    jsonschema.validate(yaml.safe_load(example), json.loads(schema_text()))
    path = tmp_path / "sidelight.yaml"
    path.write_text(example)
    assert isinstance(load(path, environ={}).settings, Settings)


def test_the_schema_refuses_an_unknown_key() -> None:
    with pytest.raises(jsonschema.ValidationError, match="lgo"):
        jsonschema.validate({"lgo": "x"}, json.loads(schema_text()))
