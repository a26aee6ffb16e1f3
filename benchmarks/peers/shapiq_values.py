"""shapiq's approximators on a game that another process plays.

Run by `benchmarks.shapley` in an environment that has shapiq. Reads one line of JSON (players,
budget, seed), then for each approximator writes lines of coalitions and reads their values; at last
writes the Shapley values by approximator.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import shapiq.approximator as approximators

NAMES = ("KernelSHAP", "PermutationSamplingSV", "StratifiedSamplingSV", "SVARM")


def worth(coalitions: np.ndarray) -> np.ndarray:
    print(json.dumps({"ask": np.atleast_2d(coalitions).astype(int).tolist()}), flush=True)
    return np.array(json.loads(sys.stdin.readline()))


if __name__ == "__main__":
    for line in iter(sys.stdin.readline, ""):
        told = json.loads(line)
        found = {}
        for name in NAMES:
            approximator = getattr(approximators, name)(told["players"], random_state=told["seed"])
            values = approximator.approximate(budget=told["budget"], game=worth)
            found[name] = [float(values[(one,)]) for one in range(told["players"])]
        print(json.dumps({"found": found}), flush=True)
