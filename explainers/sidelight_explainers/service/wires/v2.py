"""The Open Inference Protocol's form of requests and answers over HTTP, JSON or binary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from fastapi import Response

from sidelight.events.exchange import Body
from sidelight.protocols import v2, v2_binary
from sidelight.protocols.bodies import tensor_bytes
from sidelight.protocols.limits import Limits
from sidelight.tensors import Column, Columns
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.service.asked import Asked, refuse_misplaced
from sidelight_explainers.service.planning import Plan
from sidelight_explainers.service.wires.dialect import Dialect

EXPLANATION = "explanation"
"""The one output, as MLServer's explainers have it."""


def decode(body: Body, limits: Limits) -> Asked:
    """An inference request; without inputs where the method or a logged exchange has the rows."""
    content, inner = tensor_bytes(body, limits)
    head = v2_binary.head_of_body(content, body.json_length, inner)
    refuse_misplaced(head)
    if head.get("inputs") in (None, []):
        return asked(Columns((), v2.read_envelope(head, "inputs", inner)))
    return asked(v2_binary.decode_request(content, body.json_length, inner))


def asked(rows: Columns) -> Asked:
    """What decoded rows and all that was said beside them ask."""
    said = rows.parameters.get("parameters", {})
    return Asked(rows, said, rows.parameters.get("id"), _wants_binary(rows.parameters))


def explanation_column(plan: Plan, explanations: Sequence[Explanation]) -> Columns:
    """One BYTES output (n, 1), each element one explanation as JSON text."""
    texts = [orjson.dumps(one.to_json()).decode() for one in explanations]
    name, request_id = plan.model.name, plan.asked.request_id
    said = {"model_name": name} | ({} if request_id is None else {"id": request_id})
    values = np.array(texts, dtype=object).reshape(-1, 1)
    column = Column(EXPLANATION, values, parameters={"content_type": "str"})
    return Columns((column,), said)


def encode(plan: Plan, explanations: Sequence[Explanation]) -> Response:
    """An inference response, with a binary tensor where that was asked for."""
    told = explanation_column(plan, explanations)
    if plan.asked.wants_binary:
        body = v2_binary.encode_response(told)
        return Response(body.content, headers=body.headers)
    return Response(v2.encode_response(told), media_type="application/json")


V2 = Dialect(decode, encode)


def _wants_binary(said: Mapping[str, Any]) -> bool:
    for one in said.get("outputs") or ():
        if isinstance(one, dict) and one.get("name") == EXPLANATION:
            parameters = one.get("parameters")
            return isinstance(parameters, dict) and parameters.get("binary_data") is True
    return (said.get("parameters") or {}).get("binary_data_output") is True
