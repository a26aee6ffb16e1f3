"""spaCy and alibi's sampler of texts, without their two traps of memory."""

from __future__ import annotations

import importlib
from typing import Any

LETTERS_OF_LANGUAGE = 3


def language(name: str) -> Any:
    """The spaCy model of that name; of a mere language one that only splits texts."""
    spacy = importlib.import_module("spacy")
    blank = len(name) <= LETTERS_OF_LANGUAGE
    model = spacy.blank(name) if blank else spacy.load(name)
    if blank and "lexeme_prob" not in model.vocab.lookups.tables:
        # alibi would load a table of 370 MB, which replacing words by UNK never looks at.
        model.vocab.lookups.add_table("lexeme_prob", {})
    return model


def spare(explainer: Any) -> None:
    """Let AnchorText keep its samples as references to words.

    alibi reserves, for every word of every sample, as many characters as the whole text has: by
    150 words that is 5 GB. The samples themselves stay the same.
    """
    sampler: Any = getattr(explainer, "perturbation", None)
    if not hasattr(sampler, "set_data_type"):
        return

    def set_data_type() -> None:
        sampler.dtype = object

    sampler.set_data_type = set_data_type
