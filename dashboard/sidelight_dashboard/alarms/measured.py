"""How large each of many alarms is, in a sentence."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import orjson

from sidelight_dashboard.alarms.sizes import sizes_of
from sidelight_dashboard.alarms.told import Alarm
from sidelight_dashboard.alarms.words import headline
from sidelight_dashboard.hiding import hidden_in
from sidelight_dashboard.showing import Showing

_DATA = """
SELECT id, model, data FROM alarm WHERE id IN (SELECT value FROM json_each(?))
"""


def measured(showing: Showing, alarms: Sequence[Alarm]) -> dict[str, str]:
    """By the alarm's id; empty where nothing was measured."""
    asked = orjson.dumps([one.id for one in alarms]).decode()
    models = showing.settings.models
    told = {one.id: "" for one in alarms}
    for id_, model, packed in showing.store.series.rows(_DATA, (asked,)):
        glossary = models[model].glossary if model in models else {}
        data, hidden = orjson.loads(zlib.decompress(packed)), hidden_in(showing.settings, model)
        told[id_] = headline(sizes_of(data, glossary, hidden))
    return told
