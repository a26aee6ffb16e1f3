"""Somebody who searches for what to say of himself until the model says what he wants to hear.

SimBA (Chuan Guo et al., "Simple Black-box Adversarial Attacks", ICML 2019) on claims that nobody
checks: some of them are changed at random and kept if the probability rises. He asks like any other
client, one row at a time, and sees what any client sees.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from threading import Thread

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from sidelight.demo.data import FEATURES
from sidelight.demo.traffic import Clients
from sidelight.errors import SidelightError
from sidelight.tensors import Columns

CLAIMED = ("SCHL", "MAR", "MIG", "CIT", "MIL", "ANC", "ESP")
"""Schooling, marriage, moving, citizenship, service, ancestry, parents' employment."""

QUERIES = 150
"""What he asks before he gives up."""

PAUSE_SECONDS = 0.03
"""Between two questions, so as not to stand out."""

WANTED = 0.5

NAME = "client-x"
"""How he calls himself."""

ATTACK = "attack"
"""How ids of his requests begin."""

Ask = Callable[[Columns], float]
"""The probability that a person, one row, is employed."""


@dataclass(frozen=True)
class Attempt:
    """What he got: how often he asked, and which question (from 1) was the first to succeed."""

    asked: int
    succeeded_at: int | None


class Attacker:
    """Changes one claim after the other of the person he is."""

    def __init__(self, person: Columns, population: Columns, ask: Ask, seed: int) -> None:
        self._claims = person
        self._known = {name: _known(population, name) for name in CLAIMED}
        self._ask = ask
        self._random = np.random.default_rng(seed)
        self._tried: set[tuple[str, ...]] = set()

    def search(self) -> Attempt:
        """Asks until he has asked enough."""
        best, succeeded_at, asked = self._ask(self._claims), None, 1
        while asked < QUERIES:
            time.sleep(PAUSE_SECONDS)
            tried = self._changed()
            found, asked = self._ask(tried), asked + 1
            if found > best:
                self._claims, best = tried, found
            if found >= WANTED and succeeded_at is None:
                succeeded_at = asked
        return Attempt(asked, succeeded_at)

    def _changed(self) -> Columns:
        """Another person than any he was before, one to three claims away from the best so far."""
        while True:
            names = self._random.choice(CLAIMED, self._random.integers(1, 4), replace=False)
            told = {name: _one_of(self._known[name], self._random) for name in names.tolist()}
            claims = _claiming(self._claims, told)
            key = tuple(str(claims[name].values[0]) for name in CLAIMED)
            if key not in self._tried:
                self._tried.add(key)
                return claims


def _known(population: Columns, name: str) -> NDArray[np.object_]:
    return np.array(sorted({*population[name].values.tolist()}, key=str), object)


def _one_of(values: NDArray[np.object_], random: Generator) -> object:
    return values[random.integers(len(values))]


def _claiming(person: Columns, told: Mapping[str, object]) -> Columns:
    values = {name: person[name].values for name in FEATURES}
    claims = {name: np.array([value], object) for name, value in told.items()}
    return Columns.of(**{**values, **claims})


class Attack:
    """A search that goes on beside all other traffic."""

    def __init__(self, person: Columns, population: Columns, clients: Clients, seed: int) -> None:
        self._clients = clients
        self._searching = Attacker(person, population, self._ask, seed)
        self._thread = Thread(target=self._work, daemon=True)
        self._asked = 0
        self._attempt: Attempt | None = None
        self._failure: Exception | None = None

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> Attempt:
        """Waits until he gives up; raises what went wrong."""
        self._thread.join()
        if self._attempt is None:
            raise SidelightError("the attack did not come to its end") from self._failure
        return self._attempt

    def _work(self) -> None:
        try:
            self._attempt = self._searching.search()
        except (OSError, HTTPException, SidelightError) as exc:
            self._failure = exc

    def _ask(self, person: Columns) -> float:
        self._asked += 1
        answer = self._clients.ask(person, f"{ATTACK}-{self._asked}", NAME)
        return float(answer["probability"].values[0])
