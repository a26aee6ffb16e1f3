"""One predictor over each wire, against the same real server: ``python -m benchmarks.predictors``.

The server is KServe's own (a linear model in numpy, in an environment of its own), the client is
`open_predictor`. The ratio is to V2 JSON; what the codec alone takes is in `benchmarks.protocols`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np

from sidelight.config.settings import PredictorSettings
from sidelight.predictors import Predictor, open_predictor
from sidelight.tensors import Column, Columns
from tests import peers

WIDTH = 30
SECONDS = 2.0
THREADS = 4
WIRES: dict[str, dict[str, Any]] = {
    "v2 json": {"tensors": "json"},
    "v2 binary": {"tensors": "binary"},
    "grpc typed": {"protocol": "grpc", "tensors": "typed"},
    "grpc raw": {"protocol": "grpc", "tensors": "raw"},
}


def main() -> None:
    """Print calls and rows a second of each wire, by rows of a call and threads that ask."""
    weights = np.random.default_rng(0).normal(size=WIDTH)
    print(f"{WIDTH} FP64 features as one matrix; KServe ModelServer, one process")
    print(f"{'rows':>5} {'threads':>7}  {'wire':11}{'ms a call':>10}{'rows/s':>12}{'/ json':>8}")
    with peers.kserve_server("m", weights.tolist(), 0.0) as server:
        for rows in (1, 100, 2048):
            for threads in (1, THREADS):
                _print_wires(server, rows, threads)


def _print_wires(server: peers.Server, rows: int, threads: int) -> None:
    first = 0.0
    for name, how in WIRES.items():
        url = server.grpc if "protocol" in how else server.http
        predictor = open_predictor("m", PredictorSettings(url=url, form="matrix", **how))
        a_second = _rate(predictor, _rows(rows), threads) * rows
        predictor.close()
        first = first or a_second
        milliseconds = 1e3 * rows * threads / a_second
        print(
            f"{rows:5} {threads:7}  {name:11}{milliseconds:10.2f}{a_second:12,.0f}"
            f"{a_second / first:8.2f}"
        )


def _rate(predictor: Predictor, rows: Columns, threads: int) -> float:
    """Calls a second, after a first one that connects."""
    predictor(rows)
    begun = perf_counter()
    end = begun + SECONDS
    with ThreadPoolExecutor(threads) as pool:
        counts = [pool.submit(_until, end, lambda: predictor(rows)) for _ in range(threads)]
    return sum(one.result() for one in counts) / (perf_counter() - begun)


def _until(end: float, ask: Callable[[], Any]) -> int:
    asked = 0
    while perf_counter() < end:
        ask()
        asked += 1
    return asked


def _rows(count: int) -> Columns:
    table = np.random.default_rng(1).normal(size=(count, WIDTH))
    return Columns(tuple(Column(f"f{at:02}", table[:, at]) for at in range(WIDTH)))


if __name__ == "__main__":
    main()
