"""Decoding and encoding of inference bodies: ``python -m benchmarks.protocols [--rows N ...]``.

The peer is the least any reader must do, with nothing checked: `orjson.loads` and `numpy.array` of
each list; `orjson.loads` of the head and `numpy.frombuffer` for binary tensors; protobuf's own
parser and `numpy.frombuffer` or `numpy.array` for gRPC. The ratio says what the checks, names and
masks cost on top.

The last lines are whole V2 exchanges, decoded alone and among others that differ in values only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v1, v2, v2_binary, v2_grpc
from sidelight.protocols.blocks import INPUTS, OUTPUTS, decode_blocks
from sidelight.protocols.decoding import decode_inputs, decode_outputs
from sidelight.protocols.grpc.open_inference import ModelInferRequest
from sidelight.protocols.v2_binary import BinaryBody
from sidelight.tensors import Column, Columns

WIDTH = 30


def _numbers(rows: int) -> Columns:
    draws = np.random.default_rng(0).normal(size=(WIDTH, rows))
    return Columns(tuple(Column(f"x{i}", draws[i]) for i in range(WIDTH)))


def _mixed(rows: int) -> Columns:
    """Sixteen columns of floats, seven of integers, seven of text."""
    random = np.random.default_rng(1)
    words = np.array(["private", "self-employed", "state", "none"], object)
    found = [Column(f"f{i}", random.normal(size=rows)) for i in range(16)]
    found += [Column(f"i{i}", random.integers(0, 100, rows)) for i in range(7)]
    found += [Column(f"s{i}", words[random.integers(0, 4, rows)]) for i in range(7)]
    return Columns(tuple(found))


def _best_microseconds(call: Callable[[], Any], repeats: int) -> float:
    best = float("inf")
    for _ in range(7):
        start = perf_counter()
        for _ in range(repeats):
            call()
        best = min(best, (perf_counter() - start) / repeats)
    return best * 1e6


def _peer(body: bytes) -> list[Any]:
    document = orjson.loads(body)
    if "inputs" in document:
        return [np.array(item["data"]).reshape(item["shape"]) for item in document["inputs"]]
    rows = document["instances"]
    if isinstance(rows[0], dict):
        return [np.array([row[name] for row in rows]) for name in rows[0]]
    return [np.array(rows)]


def _binary_peer(body: BinaryBody) -> list[Any]:
    document = orjson.loads(body.content[: body.json_length])
    found, at = [], body.json_length
    for item in document["inputs"]:
        size = item["parameters"]["binary_data_size"]
        values = np.frombuffer(body.content[at : at + size], np.float64)
        found.append(values.reshape(item["shape"]))
        at += size
    return found


def _grpc_peer(message: bytes) -> list[Any]:
    request = ModelInferRequest.FromString(message)
    if request.raw_input_contents:
        pairs = zip(request.inputs, request.raw_input_contents, strict=True)
        return [np.frombuffer(raw, np.float64).reshape(item.shape) for item, raw in pairs]
    return [
        np.array(item.contents.fp64_contents, np.float64).reshape(item.shape)
        for item in request.inputs
    ]


def _decode_binary(body: BinaryBody) -> Columns:
    return v2_binary.decode_request(body.content, body.json_length)


def _decode_unsized(body: BinaryBody) -> Columns:
    return v2_binary.decode_request(body.content)


def _exchange(rows: int, seed: int) -> Exchange:
    """A request of 30 columns, answered with one of them."""
    draws = np.random.default_rng(seed).normal(size=(WIDTH, rows))
    columns = Columns(tuple(Column(f"x{i}", draws[i]) for i in range(WIDTH)))
    asked, answer = v2.encode_request(columns), v2.encode_response(columns.select(["x0"]))
    return Exchange(
        id=str(seed),
        source="/benchmark",
        time_ns=0,
        duration_ns=0,
        method="POST",
        path="/v2/models/m/infer",
        protocol="v2",
        model="m",
        version="1",
        status=200,
        outcome="answered",
        request=Body(asked, "application/json", size=len(asked)),
        response=Body(answer, "application/json", size=len(answer)),
    )


def _print_blocks(count: int, rows: int) -> None:
    exchanges = [_exchange(rows, seed) for seed in range(count)]
    alone = _best_microseconds(
        lambda: [(decode_inputs(one), decode_outputs(one)) for one in exchanges], 1
    )
    together = _best_microseconds(lambda: list(decode_blocks(exchanges, (INPUTS, OUTPUTS))), 1)
    print(
        f"{count:5} exchanges of {rows:3} rows: alone {alone / count:6.1f} µs each, "
        f"together {together / count:6.1f} µs, {alone / together:.1f} times as fast"
    )


@dataclass(frozen=True)
class _Case:
    """A wire form: how it is written, read, and read with nothing checked."""

    name: str
    encode: Callable[[], Any]
    decode: Callable[[Any], Columns]
    peer: Callable[[Any], Any]


def _cases(numbers: Columns, mixed: Columns) -> list[_Case]:
    matrix = partial(v2.encode_request, numbers, "matrix")
    lists, mixed_lists = (partial(v1.encode_request, each, "matrix") for each in (numbers, mixed))
    found = [
        _Case("V2 columns FP64", partial(v2.encode_request, numbers), v2.decode_request, _peer),
        _Case("V2 matrix FP64", matrix, v2.decode_request, _peer),
        _Case("V2 columns mixed", partial(v2.encode_request, mixed), v2.decode_request, _peer),
        _Case("V1 objects mixed", partial(v1.encode_request, mixed), v1.decode_request, _peer),
        _Case("V1 lists FP64", lists, v1.decode_request, _peer),
        _Case("V1 lists mixed", mixed_lists, v1.decode_request, _peer),
    ]
    forms: tuple[v2.Form, ...] = ("columns", "matrix")
    for form in forms:
        binary = partial(v2_binary.encode_request, numbers, form)
        found.append(_Case(f"binary {form}", binary, _decode_binary, _binary_peer))
        found.append(_Case("  length lost", binary, _decode_unsized, _binary_peer))
        for contents in ("raw", "typed"):
            grpc = partial(v2_grpc.encode_request, numbers, "m", form=form, contents=contents)
            name = f"gRPC {form} {contents}"
            found.append(_Case(name, grpc, v2_grpc.decode_request, _grpc_peer))
    return found


def _print_forms(rows: int) -> None:
    repeats = max(1, 2_000 // rows)
    print(f"{rows} rows x {WIDTH} columns")
    print(f"{'form':20}{'decode':>10}{'rows/s':>12}{'/ peer':>8}{'encode':>10}{'rows/s':>12}")
    for case in _cases(_numbers(rows), _mixed(rows)):
        body = case.encode()
        decoding = _best_microseconds(partial(case.decode, body), repeats)
        encoding = _best_microseconds(case.encode, repeats)
        peer = _best_microseconds(partial(case.peer, body), repeats)
        print(
            f"{case.name:20}{decoding:7.0f} µs{rows / decoding * 1e6:12,.0f}{decoding / peer:8.2f}"
            f"{encoding:7.0f} µs{rows / encoding * 1e6:12,.0f}"
        )


def main() -> None:
    """Print one line a wire form: microseconds and rows a second, both ways, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 100])
    for rows in parser.parse_args().rows:
        _print_forms(rows)
    for count, each in ((4, 1), (16, 1), (250, 1), (1000, 1), (250, 10), (250, 100)):
        _print_blocks(count, each)


if __name__ == "__main__":
    main()
