"""V2 inference: a batch of the model's features, and outputs if it has them, to tensors.

Tensors are named after the keys of alibi-detect's ``data``, as MLServer's runtime names them. When
several detectors answer, each name has the detector's before it: ``drift.p_val``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from sidelight.errors import MalformedPayload, NotEnoughData
from sidelight.events.exchange import Body
from sidelight.protocols import v2_binary
from sidelight.protocols.bodies import tensor_bytes
from sidelight.protocols.limits import Limits
from sidelight.protocols.v2_binary import BinaryBody
from sidelight.tensors import Column, Columns, split_index
from sidelight_detectors.contract import DriftFinding, Finding, RowScores
from sidelight_detectors.service.http.answers import Answer, Wish
from sidelight_detectors.streaming.intake import WatchedColumns
from sidelight_detectors.streaming.plan import Plan

JSON_LENGTH = "inference-header-content-length"


def read_inference(headers: Mapping[str, str], content: bytes, limits: Limits) -> Columns:
    """The tensors of a request, JSON or binary. Raises `MalformedPayload`."""
    body = Body(
        content,
        headers.get("content-type", ""),
        headers.get("content-encoding", ""),
        _length(headers.get(JSON_LENGTH)),
        len(content),
    )
    unpacked, inner = tensor_bytes(body, limits)
    return v2_binary.decode_request(unpacked, body.json_length, inner)


def rows_of(asked: Columns, plan: Plan) -> Columns:
    """The model's columns among those sent: by name, or one matrix of features (and outputs)."""
    watched = WatchedColumns.by(plan)
    inputs, outputs = list(watched.inputs), list(watched.outputs)
    first = asked.columns[0].values.shape
    if outputs and len(asked.columns) == 1 and first[1:] == (len(inputs) + len(outputs),):
        return Columns(asked.select([*inputs, *outputs]).columns)
    known = [name for name in outputs if split_index(name)[0] in asked]
    features = Columns(tuple(column for column in asked if column.name not in known))
    given = asked.select(known).columns if known else ()
    return Columns(watched.encoding.select(features, inputs).columns + given)


def write_inference(answer: Answer, wish: Wish, asked: Columns) -> BinaryBody:
    """The answer's tensors; those the request asked for, when it asked for some."""
    outputs = {one.name: one for one in _outputs(answer, wish)}
    wanted = _wanted(asked.parameters.get("outputs") or [], list(outputs))
    told = [outputs[name] for name in wanted]
    said = asked.parameters.get("parameters") or {}
    all_binary = said.get("binary_data_output") is True
    binary = {name for name, is_binary in wanted.items() if is_binary or all_binary}
    return v2_binary.encode_outputs(told, _parameters(answer, asked), binary)


def _parameters(answer: Answer, asked: Columns) -> dict[str, Any]:
    known = {"model_name": answer.plan.model, "model_version": answer.plan.id[:12]}
    told = {"plan": answer.plan.id, "detectors": ",".join(answer.detectors)}
    named = {"id": asked.parameters["id"]} if "id" in asked.parameters else {}
    return {**known, **named, "parameters": told}


def _outputs(answer: Answer, wish: Wish) -> Iterator[Column]:
    several = len(answer.detectors) > 1
    for name in answer.detectors:
        columns: list[Column] = []
        if name in answer.scores:
            columns += _of_rows(answer.scores[name], wish, answer.plan.fitted.columns)
        if name in answer.findings:
            columns += _of_batch(answer.findings[name])
        yield from (one.renamed(f"{name}.{one.name}") if several else one for one in columns)


def _of_rows(scores: RowScores, wish: Wish, names: Sequence[str]) -> Iterator[Column]:
    yield Column("is_outlier", scores.flagged.astype(np.int64))
    if wish.instance_score:
        yield Column("instance_score", scores.scores)
    yield Column("p_val", scores.p_values)
    if wish.feature_score:
        yield Column("feature_score", scores.contributions, None, _names(names))


def _of_batch(finding: Finding | NotEnoughData) -> Iterator[Column]:
    if isinstance(finding, NotEnoughData):
        yield Column("not_enough_data", np.array([str(finding)], object))
        return
    yield Column("is_drift", np.array([finding.is_drift], np.int64))
    if not isinstance(finding, DriftFinding):
        yield Column("finding", np.array([orjson.dumps(finding).decode()], object))
        return
    names = _names([column.column for column in finding.columns])
    for key, field in (("distance", "distance"), ("p_val", "p_value"), ("effect", "effect")):
        values = [getattr(column, field) for column in finding.columns]
        yield Column(key, np.array([values], np.float64), None, names)
    thresholds = [column.threshold for column in finding.columns]
    yield Column("threshold", np.array([min(thresholds)], np.float64))


def _names(columns: Sequence[str]) -> dict[str, str]:
    return {"columns": orjson.dumps(list(columns)).decode()}


def _wanted(asked: Sequence[Any], there: Sequence[str]) -> dict[str, bool]:
    """The outputs to answer, and whether each is asked for in binary."""
    if not asked:
        return dict.fromkeys(there, False)
    wanted: dict[str, bool] = {}
    for number, one in enumerate(asked):
        name = str(one.get("name")) if isinstance(one, dict) else ""
        if name not in there:
            raise MalformedPayload(
                f"is {name[:60]!r}; there are {', '.join(there)}", where=f"outputs[{number}].name"
            )
        parameters = one.get("parameters")
        wanted[name] = isinstance(parameters, dict) and parameters.get("binary_data") is True
    return wanted


def _length(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise MalformedPayload(f"is {text[:32]!r}; send a whole number", where=JSON_LENGTH)
    return int(text)
