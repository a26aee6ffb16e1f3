"""F12 end to end: a logger tells a receiver of clients that left, answers that were cut or never
came, and of ordinary ones between them; the joiner's log says of each what the logger's log says.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from sidelight.events import Exchange
from tests.logger.commanding import running
from tests.logger.faults.accounts import wait_until_carried, wait_until_settled
from tests.logger.faults.chains import chain
from tests.logger.faults.load import asking, wait_for_more
from tests.logger.faults.oracle import exchanges_in
from tests.logger.faults.seeds import KEPT, fresh
from tests.logger.nasty.answers import ANSWERS
from tests.logger.nasty.model import nasty_model
from tests.logger.nasty.replaying import asked_for, play
from tests.logger.nasty.requests import MANNERS

BROKEN = [one for one in ANSWERS if one.reading != "whole"]
LEFT = ("gone before the answer", "half a body, then reset")
LEAVING = [one for one in MANNERS if one.name in LEFT]


def said_of(one: Exchange) -> tuple[object, ...]:
    """What two logs must agree on; what the model broke off is no event of KServe's form."""
    answer = b"" if one.outcome == "unanswered" else one.response.content
    asked = (one.request.content, one.request.truncated)
    return (one.correlation_id or one.id, one.outcome, asked, answer, one.method)


def what_is_told_arrives(folder: Path, form: str, seed: int, rounds: int, kills: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    (folder / "sidelight").mkdir()
    with chain(folder) as at_work, nasty_model() as model:
        sink = {"url": f"http://127.0.0.1:{at_work.ports['receiver']}/", "form": form}
        told = {"logger": {"sinks": {"receiver": sink}}}
        (folder / "sidelight" / "sidelight.yaml").write_text(json.dumps(told))
        with running(folder / "sidelight", "--upstream", model.url) as logger:
            address = logger.address("traffic")
            with asking(address, 2, 0.01) as askers:
                for round_ in range(rounds):
                    for answer in BROKEN:
                        asked_for(address, answer)
                    for nasty in LEAVING:
                        play(address, nasty)
                    wait_for_more(askers, chance.randrange(5, 30))
                    if round_ < kills:
                        at_work.kill(chance.choice(["receiver", "joiner"]))
            wait_until_settled(logger)
            wait_until_carried(logger, 120)
            assert logger.metric("sink_dead_lettered_total") == 0
            assert logger.stop() == 0
        at_work.tell_the_rest()
        arrived = at_work.exchanges()
    kept = list(exchanges_in(folder / "sidelight" / "log"))
    assert {one.outcome for one in kept} == {"answered", "unanswered", "abandoned"}
    assert len(arrived) == len(kept)
    assert sorted(map(said_of, arrived)) == sorted(map(said_of, kept))
    assert not any(asker.failed or asker.broken for asker in askers)


@pytest.mark.parametrize("seed", KEPT)
def test_a_receiver_makes_of_broken_exchanges_what_they_were(tmp_path: Path, seed: int) -> None:
    what_is_told_arrives(tmp_path, "kserve", seed, rounds=2, kills=2)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", ["kserve", "exchange"])
def test_a_receiver_makes_the_same_of_many(tmp_path: Path, form: str) -> None:
    what_is_told_arrives(tmp_path, form, fresh(), rounds=200, kills=40)
