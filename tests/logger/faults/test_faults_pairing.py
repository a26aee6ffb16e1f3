"""F12: halves in any order, missing, sent twice and under ids used again, while receiver and joiner
are killed.

Every request and every answer is told once; they are together where they belong together, and where
nobody can say, each is alone and marked.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pytest
from cloudevents.core.v1.event import CloudEvent

from sidelight.events import Exchange
from tests.logger.faults.chains import Chain, chain
from tests.logger.faults.memory import peak_mib
from tests.logger.faults.seeds import KEPT, fresh
from tests.logger.receiving import Client, half
from tests.logger.sinks import wait_until

SENDERS = 3
JOINER_MIB = 160
"""What the joiner may hold beside `joiner.max_bytes`, which is the least there is: 1 MiB."""


@dataclass
class Ledger:
    """What is told to the receiver, and what must come of it."""

    stories: list[list[CloudEvent]] = field(default_factory=list)
    """The events of each story come in this order, those of several mixed."""
    together: set[tuple[str, int, int]] = field(default_factory=set)
    """Id, number of the request, number of the answer."""
    alone: set[tuple[str, str, int]] = field(default_factory=set)
    """Id, side, number."""


def written(chance: random.Random, count: int) -> Ledger:
    """Stories of all kinds, so many of each."""
    ledger = Ledger()
    for first in range(0, 10 * count, 10):
        first_half, other = half("request", first), half("response", first)
        ledger.stories.append([first_half, other])
        ledger.together.add((first_half.get_id(), first, first))
        _crossed(ledger, first + 1)
        _missing(ledger, first + 2, first + 3)
        _sent_twice(ledger, first + 4, chance)
        _used_again(ledger, first + 5, first + 6)
        _used_at_once(ledger, first + 7, first + 8)
        _disputed(ledger, first + 9, first + 10 * count)
    return ledger


def _crossed(ledger: Ledger, number: int) -> None:
    """The answer comes before its request, and it is a failure."""
    answered = half("response", number, statuscode="504")
    ledger.stories.append([answered, half("request", number)])
    ledger.together.add((answered.get_id(), number, number))


def _missing(ledger: Ledger, request: int, response: int) -> None:
    asked, answered = half("request", request), half("response", response)
    ledger.stories += [[asked], [answered]]
    ledger.alone |= {
        (asked.get_id(), "request", request),
        (answered.get_id(), "response", response),
    }


def _sent_twice(ledger: Ledger, number: int, chance: random.Random) -> None:
    """By a sender that had no answer, at any time."""
    story = [half("request", number), half("response", number)] * 2
    chance.shuffle(story)
    ledger.stories.append(story)
    ledger.together.add((story[0].get_id(), number, number))


def _used_again(ledger: Ledger, first: int, second: int) -> None:
    """An id that a client uses for one question after the other."""
    name = f"client-{first}"
    story = [half(s, n, id=name) for n in (first, second) for s in ("request", "response")]
    ledger.stories.append(story)
    ledger.together |= {(name, first, first), (name, second, second)}


def _used_at_once(ledger: Ledger, first: int, second: int) -> None:
    """Of our own logger, which tells its exchanges apart whatever clients do."""
    name = f"client-{first}"
    ledger.stories += [
        [half(side, number, id=name, exchangeid=f"ours-{number}")]
        for number in (first, second)
        for side in ("request", "response")
    ]
    ledger.together |= {(name, first, first), (name, second, second)}


def _disputed(ledger: Ledger, first: int, second: int) -> None:
    """Two questions of one id at a time, and then an answer: to which, nobody can say."""
    name = f"client-{first}"
    story = [half("request", n, id=name) for n in (first, second)]
    ledger.stories.append([*story, half("response", first, id=name)])
    ledger.alone |= {
        (name, "request", first),
        (name, "request", second),
        (name, "response", first),
    }


def tell(chain: Chain, stories: Sequence[Sequence[CloudEvent]]) -> None:
    """One event after the other; each again until it is taken."""
    for story in stories:
        for event in story:
            while not _is_taken(chain.client, event):
                pass


def _is_taken(client: Client, event: CloudEvent) -> bool:
    try:
        answer = client.say(event)
    except (OSError, HTTPException):
        return False
    assert answer.status in (200, 429, 503), answer
    return answer.status == 200


def mixed(chance: random.Random, ledger: Ledger) -> list[list[list[CloudEvent]]]:
    """For each sender its stories; events of one sender's stories come mixed with others'."""
    stories = list(ledger.stories)
    chance.shuffle(stories)
    shares = []
    for number in range(SENDERS):
        queues = [list(story) for story in stories[number::SENDERS]]
        share: list[list[CloudEvent]] = []
        while queues:
            queue = chance.choice(queues[:20])
            share.append([queue.pop(0)])
            queues = [one for one in queues if one]
        shares.append(share)
    return shares


def asked(one: Exchange) -> int:
    """The number that the request's row says."""
    return int(json.loads(one.request.content)["instances"][0][0])


def answered(one: Exchange) -> int:
    said: list[float] = json.loads(one.response.content)["predictions"]
    return round(10 * said[0])


def pairs_are_right(folder: Path, seed: int, count: int, kills: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    ledger = written(chance, count)
    together: Counter[tuple[str, int, int]] = Counter()
    alone: Counter[tuple[str, str, int]] = Counter()
    with chain(folder) as at_work:
        with ThreadPoolExecutor(SENDERS) as pool:
            telling = [pool.submit(tell, at_work, share) for share in mixed(chance, ledger)]
            for _ in range(kills):
                at_work.kill(chance.choice(["receiver", "joiner"]))
            for sender in telling:
                sender.result()
        at_work.tell_the_rest()
        for one in at_work.exchanges():
            name = one.correlation_id
            if one.outcome == "answered":
                together[name, asked(one), answered(one)] += 1
            elif one.outcome == "unasked":
                alone[name, "response", answered(one)] += 1
            else:
                alone[name, "request", asked(one)] += 1
                assert one.extensions["unpaired"] in ("expired", "disputed")
    assert together.keys() == ledger.together
    assert alone.keys() == ledger.alone
    assert {*together.values(), *alone.values()} == {1}, "nothing is told twice"


@pytest.mark.parametrize("seed", KEPT)
def test_halves_that_belong_together_meet_and_others_never(tmp_path: Path, seed: int) -> None:
    pairs_are_right(tmp_path, seed, count=6, kills=2)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_halves_meet_over_many_kills(tmp_path: Path) -> None:
    pairs_are_right(tmp_path, fresh(), count=1000, kills=40)


def memory_is_bounded(folder: Path, count: int) -> None:
    """Nobody answers: what waits is told alone before its time, and no more is held."""
    body = {"instances": [[0.25] * 2000]}
    with chain(folder, max_bytes=1 << 20) as at_work:
        for number in range(count):
            tell(at_work, [[half("request", number, body)]])
        joiner = Client(at_work.ports["joiner"])
        crowded = 'sidelight_joiner_halves_total{outcome="crowded"}'
        wait_until(lambda: joiner.metric(crowded) > count / 2, "those that are told early", 60)
        mib = peak_mib(at_work.at_work["joiner"].pid)
        print(f"{count} halves of {len(str(body))} bytes: {mib:.0f} MiB")
        assert mib < JOINER_MIB
        at_work.tell_the_rest()
        found = at_work.exchanges()
    assert sorted(one.correlation_id for one in found) == sorted(
        f"client-{number}" for number in range(count)
    )
    assert {one.outcome for one in found} == {"unanswered"}
    assert {one.extensions["unpaired"] for one in found} == {"crowded", "expired"}


def test_halves_that_nobody_answers_take_bounded_memory(tmp_path: Path) -> None:
    memory_is_bounded(tmp_path, 300)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_many_halves_that_nobody_answers_take_bounded_memory(tmp_path: Path) -> None:
    memory_is_bounded(tmp_path, 20_000)
