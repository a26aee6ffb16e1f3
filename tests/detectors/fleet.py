"""Real `sidelight detectors` on a real broker: started, killed, paused, woken, ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sidelight.config import load
from sidelight.config.settings import Settings
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from tests.detectors.test_service import write_table
from tests.detectors.traffic import MODEL, rows, settings

PATIENCE_SECONDS = 90.0

SESSION_SECONDS = 3
"""Short, so that who is killed or paused is soon taken for dead."""


def configured(folder: Path, url: str, partitions: int) -> Path:
    """A configuration of two models on topics that are made here."""
    write_table(folder / "reference.parquet", rows(2000, seed=1))
    document = {
        "log": {
            "url": url,
            "partitions": partitions,
            "kafka": {"session_seconds": SESSION_SECONDS},
        },
        "models": {
            MODEL: _model(folder, window_seconds=60.0, alarm={"clear_after": 2}),
            "counted": _model(folder, window=40),
            "other": _model(folder, window_seconds=60.0),
        },
        "detectors": {"listen": "127.0.0.1:0", "run_rows": 25, "run_seconds": 0.2},
    }
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(document))
    log = loaded(file).log
    create(log, plans(log))
    return file


def loaded(file: Path) -> Settings:
    return load(file).settings


def _model(folder: Path, **drift: object) -> dict[str, object]:
    model: dict[str, object] = json.loads(settings(**drift).model_dump_json(exclude_none=True))
    return {**model, "reference": str(folder / "reference.parquet")}


@dataclass
class Fleet:
    """The processes that live, those that are paused among them."""

    config: Path
    chance: random.Random
    living: list[subprocess.Popen[bytes]] = field(default_factory=list)
    paused: list[subprocess.Popen[bytes]] = field(default_factory=list)
    told: list[IO[bytes]] = field(default_factory=list)

    def start(self) -> None:
        said = (self.config.parent / f"said-{len(self.told)}.log").open("wb")
        self.told.append(said)
        self.living.append(
            subprocess.Popen(
                [sys.executable, "-m", "sidelight.command", "detectors", "--config", self.config],
                cwd=self.config.parent,
                stdout=said,
                stderr=said,
            )
        )

    def start_working(self) -> None:
        """One more, which reads a partition when this returns."""
        self.start()
        said = Path(self.told[-1].name)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"partitions claimed" not in said.read_bytes():
            assert time.monotonic() < deadline, self.last_words()
            time.sleep(0.05)

    def kill(self) -> None:
        one = self.living.pop(self.chance.randrange(len(self.living)))
        self._forget_paused(one)
        one.kill()
        one.wait(PATIENCE_SECONDS)

    def pause(self) -> None:
        one = self.chance.choice(self.living)
        os.kill(one.pid, signal.SIGSTOP)
        self.paused.append(one)

    def wake(self) -> None:
        for one in self.paused:
            os.kill(one.pid, signal.SIGCONT)
        self.paused.clear()

    def leave(self) -> None:
        """One ends in order."""
        one = self.living.pop(self.chance.randrange(len(self.living)))
        self.end(one)

    def end(self, one: subprocess.Popen[bytes]) -> None:
        if one in self.paused:
            os.kill(one.pid, signal.SIGCONT)
            self.paused.remove(one)
        one.terminate()
        # The second is how one ends that has not begun to listen to signals yet.
        assert one.wait(PATIENCE_SECONDS) in (0, -signal.SIGTERM), self.last_words()

    def end_all(self) -> None:
        """All end in order."""
        self.wake()
        for one in self.living:
            one.terminate()
        while self.living:
            self.end(self.living.pop())

    def close(self) -> None:
        """Whatever happened, nothing stays."""
        self.wake()
        for one in self.living:
            one.kill()
            one.wait(PATIENCE_SECONDS)
        for said in self.told:
            said.close()

    def last_words(self) -> str:
        return "\n".join(Path(said.name).read_text()[-2000:] for said in self.told)

    def _forget_paused(self, one: subprocess.Popen[bytes]) -> None:
        if one in self.paused:
            self.paused.remove(one)
