"""alibi's AnchorTabular on the rows it is given; asks the model of the program that started it.

``python alibi_anchors.py PORT FILE.npz``: the file holds `reference` (m, n), `rows` (r, n) and
`precision`. Questions and answers are raw bytes over a connection: float64 rows, int64 classes.
The last line of the output is a JSON list: of each row the anchor, what it claims, the seconds.
"""

from __future__ import annotations

import json
import sys
import time
import types
from multiprocessing.connection import Client
from typing import Any

import numpy as np

# Without ray alibi cannot be imported in Python 3.11; nothing here is distributed.
sys.modules.setdefault("ray", types.ModuleType("ray"))

from alibi.explainers import AnchorTabular  # noqa: E402


def main() -> None:
    given = np.load(sys.argv[2])
    line = Client(("127.0.0.1", int(sys.argv[1])), authkey=b"anchors")

    def decide(rows: Any) -> Any:
        line.send_bytes(np.ascontiguousarray(rows, np.float64).tobytes())
        return np.frombuffer(line.recv_bytes(), np.int64)

    names = [f"f{at}" for at in range(given["reference"].shape[1])]
    explainer = AnchorTabular(decide, names, seed=0)
    explainer.fit(given["reference"], disc_perc=(25, 50, 75))
    told = []
    for row in given["rows"]:
        line.send_bytes(b"next")
        started = time.perf_counter()
        found = explainer.explain(row, threshold=float(given["precision"]))
        seconds = time.perf_counter() - started
        told.append(
            {
                "anchor": list(found.anchor),
                "precision": float(np.ravel(found.precision)[0]),
                "found": bool(found.raw["success"]),
                "seconds": seconds,
            }
        )
    line.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
