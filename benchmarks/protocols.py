"""Decoding and encoding of inference bodies: ``python -m benchmarks.protocols [--rows N]``.

The peer is the least any reader must do: `orjson.loads`, and `numpy.array` of each list, with
nothing checked. The ratio says what the checks, names and masks cost on top.

The last lines are whole V2 exchanges, decoded alone and among others that differ in values only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import orjson

from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v1, v2
from sidelight.protocols.blocks import INPUTS, OUTPUTS, decode_blocks
from sidelight.protocols.decoding import decode_inputs, decode_outputs
from sidelight.tensors import Column, Columns

WIDTH = 16


def _numbers(rows: int) -> Columns:
    draws = np.random.default_rng(0).normal(size=(WIDTH, rows))
    return Columns(tuple(Column(f"x{i}", draws[i]) for i in range(WIDTH)))


def _mixed(rows: int) -> Columns:
    """Eight columns of floats, four of integers, four of text."""
    random = np.random.default_rng(1)
    words = np.array(["private", "self-employed", "state", "none"], object)
    found = [Column(f"f{i}", random.normal(size=rows)) for i in range(8)]
    found += [Column(f"i{i}", random.integers(0, 100, rows)) for i in range(4)]
    found += [Column(f"s{i}", words[random.integers(0, 4, rows)]) for i in range(4)]
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


def _exchange(rows: int, seed: int) -> Exchange:
    """A request of 16 columns, answered with one of them."""
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


def main() -> None:
    """Print one line a wire form: microseconds and rows a second, both ways, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100)
    rows = parser.parse_args().rows
    repeats = max(1, 20_000 // rows)
    numbers, mixed = _numbers(rows), _mixed(rows)
    cases: list[tuple[str, Any, Callable[[], bytes]]] = [
        ("V2 columns FP64", v2.decode_request, lambda: v2.encode_request(numbers)),
        ("V2 matrix FP64", v2.decode_request, lambda: v2.encode_request(numbers, "matrix")),
        ("V2 columns mixed", v2.decode_request, lambda: v2.encode_request(mixed)),
        ("V1 objects mixed", v1.decode_request, lambda: v1.encode_request(mixed)),
        ("V1 lists FP64", v1.decode_request, lambda: v1.encode_request(numbers, "matrix")),
        ("V1 lists mixed", v1.decode_request, lambda: v1.encode_request(mixed, "matrix")),
    ]
    print(f"{rows} rows x {WIDTH} columns")
    print(f"{'form':18}{'decode':>10}{'rows/s':>12}{'/ peer':>8}{'encode':>10}{'rows/s':>12}")
    for name, decode, encode in cases:
        body = encode()
        decoding = _best_microseconds(partial(decode, body), repeats)
        encoding = _best_microseconds(encode, repeats)
        peer = _best_microseconds(partial(_peer, body), repeats)
        print(
            f"{name:18}{decoding:7.0f} µs{rows / decoding * 1e6:12,.0f}{decoding / peer:8.2f}"
            f"{encoding:7.0f} µs{rows / encoding * 1e6:12,.0f}"
        )
    for count, each in ((4, 1), (16, 1), (250, 1), (1000, 1), (250, 10), (250, 100)):
        _print_blocks(count, each)


if __name__ == "__main__":
    main()
