"""Exchanges in a real log, as the logger writes them."""

from __future__ import annotations

import time
from typing import Any

import orjson

from sidelight.events.exchange import Body, Exchange
from sidelight.events.exchanges import to_record
from sidelight.events.ids import IdMint, id_text
from sidelight.log.contract import Address, Writer
from sidelight.log.topics import INFERENCE

mint = IdMint()


def exchange(instances: list[Any], model: str = "m") -> Exchange:
    """A V1 call of now with these rows."""
    return Exchange(
        id=id_text(mint()),
        source="/test",
        time_ns=time.time_ns(),
        duration_ns=1000,
        method="POST",
        path=f"/v1/models/{model}:predict",
        protocol="v1",
        model=model,
        version="",
        status=200,
        outcome="answered",
        request=_json({"instances": instances}),
        response=_json({"predictions": [0.5] * len(instances)}),
    )


def appended(log: Writer, one: Exchange) -> Address:
    """The address at which the log keeps it."""
    (address,) = log.append(INFERENCE, [to_record(one)])
    return address


def _json(value: Any) -> Body:
    content = orjson.dumps(value)
    return Body(content, "application/json", size=len(content))
