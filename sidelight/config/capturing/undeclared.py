"""Rules for columns that their model does not declare: right for a member beside the rows, and
silent about a name that is misspelt."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from sidelight.config.settings import Settings


def undeclared(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each such rule, and what it may have meant; none of a model that declares no features."""
    from sidelight.redaction.rules import folded

    for name, model in settings.models.items():
        if model.redact is None or not model.features:
            continue
        declared = {folded(one): one for one in (*model.features, *model.outputs)}
        for column in model.redact.columns:
            if folded(column) not in declared:
                near = difflib.get_close_matches(folded(column), declared, n=1)
                question = f"; did you mean {declared[near[0]]!r}?" if near else ""
                yield (
                    f"models.{name}.redact.columns.{column}",
                    f"no feature or output of {name} has this name{question}",
                )
