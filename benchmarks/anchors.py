"""Anchors beside alibi's: calls, seconds, and whether a rule is as precise as it says.

Models are a forest and a logistic regression, in this process for ours and asked over a local
socket by alibi 0.9.4, which lives in an environment of its own; rows are ones that the model did
not learn from. Each rule is then tested on 2,000 further draws, of both kinds: as ours are drawn
(reference rows, a value replaced where it breaks the rule) and as alibi's are (a value that the
rule names always replaced). `held` is the share of the rules found whose precision there is not
below the 0.95 that was asked for. Calls and rows are counted at the model.
Run: ``python -m benchmarks.anchors [ROWS]``.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._decided_models import Floats, Game, games, matrix, named
from sidelight.config.settings import ModelSettings
from sidelight.predictors.testing import FunctionPredictor
from sidelight.tensors import Column, Columns
from sidelight_explainers.contents.anchor import Anchor
from sidelight_explainers.models import Explained, explained
from sidelight_explainers.subject import Subject
from tests import peers

PRECISION = 0.95
DRAWS = 2000
SCALE = 1e6
"""alibi tells its borders with two decimals; so it sees numbers that are so much larger."""


@dataclass(frozen=True)
class Rule:
    """An anchor: for each feature it names, above which number and up to which."""

    bounds: dict[int, tuple[float, float]]
    found: bool
    claimed: float
    seconds: float
    calls: int
    rows: int

    def keeps(self, at: int, values: Floats) -> NDArray[np.bool_]:
        low, high = self.bounds[at]
        return (values > low) & (values <= high)


def ours(game: Game) -> list[Rule]:
    model = opened(
        Subject("m", settings({}), named(game.reference).names, named(game.reference)),
        lambda rows: Column("p", game.probabilities(matrix(rows))),
    )
    return [our_rule(game, model, row) for row in game.rows]


def our_rule(game: Game, model: Explained, row: Floats) -> Rule:
    game.calls = game.asked = 0
    options = model.methods["anchor"].settings
    started = time.perf_counter()
    content = model.explain("anchor", options, named(row[None])).content
    seconds = time.perf_counter() - started
    assert isinstance(content, Anchor)
    told = [one.words for one in content.conditions]
    return Rule(
        bounds(told, 1.0, 0.0), content.found, content.precision, seconds, game.calls, game.asked
    )


def alibis(game: Game) -> list[Rule]:
    with Listener(("127.0.0.1", 0), authkey=b"anchors") as listener, _given(game) as given:
        python = peers.peer_python("alibi")
        script = Path(__file__).parent / "peers" / "alibi_anchors.py"
        argv = [python, "-W", "ignore", script, str(listener.address[1]), given.name]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        spent = answer(game, listener)
        told = json.loads(process.communicate()[0].splitlines()[-1])
    return [
        Rule(
            bounds(one["anchor"], SCALE, 0.006),
            one["found"],
            one["precision"],
            one["seconds"],
            *cost,
        )
        for one, cost in zip(told, spent, strict=True)
    ]


def answer(game: Game, listener: Listener) -> list[tuple[int, int]]:
    """Answer until the other side leaves; calls and rows of each of its explanations."""
    spent: list[tuple[int, int]] = []
    width = game.reference.shape[1]
    with listener.accept() as line:
        game.calls = game.asked = 0
        while True:
            try:
                body = line.recv_bytes()
            except EOFError:
                return [*spent[1:], (game.calls, game.asked)]
            if body == b"next":
                spent.append((game.calls, game.asked))
                game.calls = game.asked = 0
            else:
                rows = np.frombuffer(body).reshape(-1, width) / SCALE
                line.send_bytes(game.decide(rows).tobytes())


@contextmanager
def _given(game: Game) -> Iterator[Any]:
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(
            file, reference=game.reference * SCALE, rows=game.rows * SCALE, precision=PRECISION
        )
        file.flush()
        yield file


def bounds(words: list[str], scale: float, rounding: float) -> dict[int, tuple[float, float]]:
    """From ``f1 > 2``, ``2 < f1 <= 3`` and the like; several of one feature hold together."""
    found: dict[int, tuple[float, float]] = {}
    for one in words:
        parts = one.split(" ")
        at = next(int(part[1:]) for part in parts if part.startswith("f"))
        low, high = found.get(at, (-np.inf, np.inf))
        for sign, number in _sides(parts):
            bound = (number + rounding) / scale
            low, high = (max(low, bound), high) if sign == "above" else (low, min(high, bound))
        found[at] = (low, high)
    return found


def _sides(parts: list[str]) -> Iterator[tuple[str, float]]:
    if len(parts) == 5:
        yield "above", float(parts[0])
    if parts[-2] == ">":
        yield "above", float(parts[-1])
    else:
        yield "upto", float(parts[-1])


def tested(game: Game, rule: Rule, row: Floats, always: bool) -> float:
    """The precision on new draws; values that the rule names are replaced always, or only where
    they break it."""
    rng = np.random.default_rng(20261123)
    draws = game.reference[rng.integers(len(game.reference), size=DRAWS)].copy()
    for at in rule.bounds:
        donors = np.append(game.reference[rule.keeps(at, game.reference[:, at]), at], row[at])
        replaced = np.ones(DRAWS, bool) if always else ~rule.keeps(at, draws[:, at])
        draws[replaced, at] = rng.choice(donors, int(replaced.sum()))
    return float((game.decide(draws) == game.decide(row[None])).mean())


def line(game: Game, who: str, rules: list[Rule]) -> str:
    pairs = [(rule, row) for rule, row in zip(rules, game.rows, strict=True) if rule.found]
    kept, redrawn = (
        [tested(game, rule, row, always) for rule, row in pairs] for always in (False, True)
    )
    covered = [
        float(
            np.mean(np.all([rule.keeps(at, game.reference[:, at]) for at in rule.bounds], axis=0))
        )
        if rule.bounds
        else 1.0
        for rule, _ in pairs
    ]
    median = statistics.median
    return (
        f"{game.name:<18}{who:<11}{median(one.calls for one in rules):>6.0f}"
        f"{max(one.calls for one in rules):>5}{median(one.rows for one in rules):>8.0f}"
        f"{median(one.seconds for one in rules):>7.2f}{len(pairs) / len(rules):>7.0%}"
        f"{_middle(covered):>7.2f}{_middle([one.claimed for one, _ in pairs]):>8.3f}"
        f"{_middle(kept):>8.3f}{_held(kept):>6.0%}{_middle(redrawn):>9.3f}{_held(redrawn):>6.0%}"
    )


def _middle(numbers: list[float]) -> float:
    return statistics.median(numbers) if numbers else float("nan")


def _held(precisions: list[float]) -> float:
    return sum(one >= PRECISION for one in precisions) / max(len(precisions), 1)


def long_text(words: int) -> str:
    """Two words of so many decide; seconds without the predictor's, and the most memory."""
    waited = 0.0

    def answer_texts(rows: Columns) -> Column:
        nonlocal waited
        started = time.perf_counter()
        both = [{"great", "fun"} <= set(text.split()) for text in rows["text"].values]
        waited += time.perf_counter() - started
        return Column("yes", np.array(both, np.float64))

    told = settings({"text": "text"})
    model = opened(Subject("m", told, ("text",)), answer_texts)
    every = [f"w{at}" for at in range(words)]
    every[words // 2], every[words // 3] = "great", "fun"
    row, options = Columns.of(text=[" ".join(every)]), model.methods["anchor"].settings
    started = time.perf_counter()
    found = model.explain("anchor", options, row)
    seconds = time.perf_counter() - started - waited
    tracemalloc.start()
    model.explain("anchor", options, row)
    most = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert isinstance(found.content, Anchor)
    words_found = " & ".join(one.words for one in found.content.conditions)
    return (
        f"text of {words} words: {words_found!r}, {found.quality.rows} rows in"
        f" {found.quality.calls} calls, {seconds:.2f} s beside the predictor's, {most:.0f} MB"
    )


def settings(features: dict[str, str]) -> ModelSettings:
    given = {"features": features, "explainers": {"anchor": {"text": {"most": 4096}}}}
    return ModelSettings.model_validate(given)


def opened(subject: Subject, answer: Callable[[Columns], Column]) -> Explained:
    return explained(subject, FunctionPredictor(lambda rows: Columns((answer(rows),))))


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    print(
        f"{rows} rows each; calls are median and most, rows and seconds medians; precisions are"
        " medians of the rules found"
    )
    print(
        f"{'':<18}{'':<11}{'calls':>6}{'most':>5}{'rows':>8}{'s':>7}{'found':>7}{'cover':>7}"
        f"{'claimed':>8}{'as ours':>8}{'held':>6}{'as alibi':>9}{'held':>6}"
    )
    for game in games(rows):
        print(line(game, "sidelight", ours(game)), flush=True)
        print(line(game, "alibi", alibis(game)), flush=True)
    print(long_text(300))


if __name__ == "__main__":
    main()
