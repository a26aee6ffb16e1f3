"""Explanations without the columns that redaction drops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight_dashboard.hiding import Hidden

Json = Mapping[str, Any]

WITHHELD = "withheld"
"""Tells in an explanation's data that something was left out."""

_TABLES = (
    ("features", ("anchor", "features", "players")),
    ("feature_names", ("feature_names", "feature_values", "feature_importance", "values")),
)
"""Lists that go together, by the one that names the columns."""


def without(explanation: Json, hidden: Hidden) -> Json:
    """The same explanation, with nothing said of hidden columns: neither values nor shares.

    What another library says in its own form, or is said of parts of a text, cannot be taken apart,
    and is left out as a whole.
    """
    if not hidden:
        return explanation
    data: Json = explanation.get("data", {})
    if data.get("content") == "alibi" or "text" in data:
        kept = {key: data[key] for key in ("model", "content", "quality") if key in data}
        return {"meta": {"name": explanation["meta"]["name"]}, "data": kept}
    kept = _kept(_rowwise(data, hidden), hidden)
    return {**explanation, "data": kept if kept == data else {**kept, WITHHELD: True}}


def _rowwise(data: Json, hidden: Hidden) -> Json:
    """Lists of one length a column, without the places of hidden ones."""
    told = dict(data)
    for naming, lists in _TABLES:
        names = data.get(naming)
        if not isinstance(names, list):
            continue
        places = [at for at, name in enumerate(names) if name not in hidden]
        for key in lists:
            if isinstance(data.get(key), list) and len(data[key]) == len(names):
                told[key] = [data[key][at] for at in places]
    return told


def _kept(value: Any, hidden: Hidden) -> Any:
    if isinstance(value, Mapping):
        return {key: _kept(one, hidden) for key, one in value.items() if key not in hidden}
    if isinstance(value, list):
        return [_kept(one, hidden) for one in value if not _is_of(one, hidden)]
    return value


def _is_of(value: Any, hidden: Hidden) -> bool:
    return isinstance(value, Mapping) and str(value.get("feature", "")) in hidden
