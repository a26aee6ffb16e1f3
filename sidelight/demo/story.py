"""The whole on real data: a model, its traffic, an attack, a change in the world, late truth."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from pathlib import Path

from sidelight.demo.alone import alone
from sidelight.demo.attack import Attack, Attempt
from sidelight.demo.explaining import explain, row_of
from sidelight.demo.fairness import Fairness
from sidelight.demo.outcome import Outcome, Search
from sidelight.demo.place import Place, local
from sidelight.demo.prepare import Stage, prepare
from sidelight.demo.processes import running
from sidelight.demo.registry import Registry
from sidelight.demo.replay import PHASES, Played, Player
from sidelight.demo.screen import Screen
from sidelight.demo.traffic import Answered
from sidelight.demo.watching import Flagged, Watcher
from sidelight.log import Log, open_log

SEED = 0
ATTACK_ROW = 16_000
"""With this row of the quiet phase somebody begins to search."""
DATA = Path("build/data")


def run(place: Place = local, *, exit_after: bool, folder: Path = Path("build/demo")) -> int:
    """Tell the story over that log; 0 when it came out as promised, 1 when not.

    Without `exit_after` everything keeps serving until Ctrl-C.
    """
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    screen = Screen()
    started = time.monotonic()
    screen.say("preparing: the survey's rows, a model trained on 20,000 of them, a reference")
    with alone(folder), place(folder) as settings:
        stage = prepare(folder, SEED, DATA, settings)
        with running(stage):
            screen.banner(stage)
            with closing(open_log(stage.log)) as log:
                outcome = _tell(stage, log, screen)
            screen.summary(outcome, time.monotonic() - started)
            if outcome.explained is not None:
                screen.why(stage, outcome.explained)
            if not exit_after:
                screen.keep_serving(stage)
    return 1 if list(outcome.shortfalls()) else 0


def _tell(stage: Stage, log: Log, screen: Screen) -> Outcome:
    watcher = Watcher(log)
    player = Player(stage, log, watcher, SEED)
    quiet, opened = stage.scenario.quiet, stage.scenario.opened
    truth = dict(zip(PHASES, (quiet.employed, opened.employed), strict=True))
    registry = Registry(stage.addresses["detectors"], truth, SEED)
    attack = Attack(stage.attacker, quiet.people, player.clients, SEED)

    def hear(answered: Answered) -> None:
        registry.hear(answered)
        if answered.id.startswith(PHASES[0]) and _holds(answered.rows, ATTACK_ROW):
            attack.begin()

    registry.open()
    with screen.phases(watcher, len(quiet.people), len(opened.people)) as tell:
        played = player.play(quiet.people, opened.people, tell, hear)
        attempt = attack.end()
        player.wait("judged by its labels", lambda: _is_settled(watcher))
        registry.close()
    flagged = [one for one in watcher.flagged if played.is_quiet(one.address)]
    return _outcome(stage, log, watcher, played, flagged, attempt)


def _holds(rows: slice, row: int) -> bool:
    return bool(rows.start <= row < rows.stop)


def _is_settled(watcher: Watcher) -> bool:
    return any(gap.is_final and gap.detector == "bias:labels" for gap in watcher.gaps)


def _outcome(
    stage: Stage,
    log: Log,
    watcher: Watcher,
    played: Played,
    flagged: list[Flagged],
    attempt: Attempt,
) -> Outcome:
    strangest = max(flagged, key=lambda one: one.score, default=None)
    explanation = None
    if strangest is not None:
        explanation = explain(stage.addresses["explainers"], row_of(log, strangest))
    return Outcome(
        played,
        tuple(watcher.windows),
        tuple(watcher.raised),
        len(flagged),
        stage.accuracy,
        strangest,
        explanation,
        Search(ATTACK_ROW, attempt, tuple(watcher.caught)),
        Fairness(tuple(watcher.gaps), tuple(watcher.unfair)),
    )
