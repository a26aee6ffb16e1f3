"""Nasty HTTP of clients and of the model server, while other clients work: they notice nothing.

The logger is the whole command, with a rule that makes its recorder open every body.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.logger.commanding import Logger, running
from tests.logger.faults.accounts import proxy_balance, recorder_balance, wait_until_settled
from tests.logger.faults.load import Asker, asking, wait_for_more
from tests.logger.faults.memory import peak_mib
from tests.logger.faults.oracle import exchanges_in
from tests.logger.nasty.answers import ANSWERS, NastyAnswer
from tests.logger.nasty.model import ANSWER_PATH, Model, nasty_model
from tests.logger.nasty.replaying import asked_for, path_of, play
from tests.logger.nasty.requests import NO_ANSWER, REQUESTS, Nasty
from tests.logger.sinks import wait_until

RULES = {"columns": {"age": "drop"}, "patterns": ["[0-9]{16}"]}
LARGE = 10_000
"""Above all that is kept here."""
RECORDER_MIB = 400
"""What the recorder may hold at most: a bomb of 64 MiB is not among it many times."""


@dataclass(frozen=True)
class Scene:
    folder: Path
    logger: Logger
    model: Model
    others: Sequence[Asker]

    @property
    def address(self) -> str:
        return self.logger.address("traffic")

    def others_are_unharmed(self) -> None:
        """Each still gets its own answers, on the connection that it had from the first."""
        for asker in self.others:
            wait_for_more([asker], 2)
            assert (asker.failed, asker.broken) == ([], 0)
        assert self.model.smuggled == []
        assert self.model.unreadable == []


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("nasty")
    (folder / "sidelight.yaml").write_text(json.dumps({"logger": {"redact": RULES}}))
    with nasty_model() as model, running(folder, "--upstream", model.url) as logger:
        with asking(logger.address("traffic"), 2, 0.001) as others:
            wait_for_more(others, 20)
            yield Scene(folder, logger, model, others)
        _accounts_are_even(logger)
        assert logger.stop() == 0


def _accounts_are_even(logger: Logger) -> None:
    wait_until_settled(logger)
    assert (proxy_balance(logger), recorder_balance(logger)) == (0, 0)
    assert logger.metric("proxy_dropped_total") == 0
    for part in ("proxy", "recorder"):
        assert len(logger.pids(part)) == 1, f"the {part} never fell"
    assert peak_mib(logger.pid("recorder")) < RECORDER_MIB


@pytest.mark.parametrize("nasty", REQUESTS, ids=lambda nasty: nasty.name)
def test_a_nasty_client_harms_nobody_else(scene: Scene, nasty: Nasty) -> None:
    seen = play(scene.address, nasty)
    if nasty.status != NO_ANSWER:
        assert [one.status for one in seen] == [nasty.status] * nasty.answers
        assert all(one.whole for one in seen)
    scene.others_are_unharmed()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_a_nasty_answer_harms_nobody_else(scene: Scene, answer: NastyAnswer) -> None:
    seen = asked_for(scene.address, answer)
    if answer.reading == "whole":
        assert (seen.whole, seen.status, seen.body) == (True, answer.status, answer.body)
    elif answer.reading == "cut":
        # 502 when the logger had read all of it before it had passed on the head.
        assert not seen.whole or seen.status == 502, "nobody can take it for a whole one"
    else:
        assert (seen.whole, seen.status) == (True, 502)
    scene.others_are_unharmed()


def test_the_log_tells_how_each_nasty_exchange_ended(scene: Scene) -> None:
    for answer in ANSWERS:
        asked_for(scene.address, answer)
    wait_for_more(scene.others, 20)
    wait_until(lambda: scene.logger.metric("pending_records") < 50, "the recorder")
    outcomes = {
        one.path: one.outcome
        for one in exchanges_in(scene.folder / "log")
        if one.path.startswith(ANSWER_PATH.decode())
    }
    for answer in ANSWERS:
        wanted = "answered" if answer.reading == "whole" else "unanswered"
        assert outcomes[path_of(answer)] == wanted, answer.name


def withheld(logger: Logger) -> float:
    return logger.metric("bodies_withheld_total")


def test_of_bombs_and_of_what_is_too_long_no_body_reaches_the_disk(scene: Scene) -> None:
    """A rule must see the whole of a body to hold: what it cannot see is not kept."""
    nasty = ("gzip bomb", "gzip that is none", "zstd bomb", "deep JSON", "above max_body")
    for one in REQUESTS:
        if one.name in nasty:
            play(scene.address, one)
    wait_until(lambda: withheld(scene.logger) >= 2 * len(nasty), "both sides of each")
    bodies = (
        body for one in exchanges_in(scene.folder / "log") for body in (one.request, one.response)
    )
    assert not [body.size for body in bodies if len(body.content) > LARGE or body.truncated]
