from __future__ import annotations

from typing import Any

import pytest
import yaml

from sidelight.config.glossary import GlossaryEntry


@pytest.mark.parametrize(
    ("key", "value"),
    [("16", 16), ("16", 16.0), ("16", "16"), ("true", True), ('"true"', True), ("2.5", 2.5)],
)
def test_a_word_is_found_by_the_code_however_either_is_written(key: str, value: Any) -> None:
    entry = GlossaryEntry.model_validate(yaml.safe_load(f"values: {{{key}: a word}}"))

    assert entry.word(value) == "a word"
    assert entry.word("another") is None
