"""`sidelight logger` as a process, a model server behind it, a client before it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.logger.captures import ANSWER
from tests.logger.serving import Handler, served
from tests.logger.sinks import wait_until

PATH = "/v2/models/income/infer"


class Model(Handler):
    """Answers every POST like a V2 server."""

    def do_POST(self) -> None:
        self.body()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)


def model_server() -> AbstractContextManager[str]:
    """A model server's address."""
    return served(Model)


class Logger:
    """The command in a process of its own; reads what it says. `settings` are variables."""

    def __init__(self, folder: Path, *flags: str, **settings: str) -> None:
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "SIDELIGHT_LOGGER__METRICS": "127.0.0.1:0",
            "SIDELIGHT_LOG__URL": str(folder / "log"),
            "TMPDIR": str(folder),
            **settings,
        }
        line = [sys.executable, "-m", "sidelight.command", "logger", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*line, *flags], cwd=folder, env=environ, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def address(self, what: str) -> str:
        pattern = re.compile(rf"\s+{what}\s+http://(\S+?)(?:/metrics)?(?:\s|$)")

        def found() -> str:
            return next((match[1] for line in self.said if (match := pattern.match(line))), "")

        wait_until(lambda: bool(found()) or self._has_said_all, f"the address of {what}")
        assert found(), f"it ended and said: {''.join(self.said)}"
        return found()

    def metric(self, name: str) -> float:
        """The sum over all labels."""
        return self.sample(f"sidelight_logger_{name}")

    def sample(self, name: str) -> float:
        found = self._samples(name)
        assert found, name
        return sum(found)

    def tells(self, name: str) -> bool:
        """Whether there is such a metric: those of a shipper come with its first report."""
        return bool(self._samples(f"sidelight_logger_{name}"))

    def ready(self) -> str:
        """What ``/readyz`` says."""
        with urlopen(f"http://{self.address('metrics')}/readyz", timeout=10) as answer:
            return str(answer.read().decode())

    def kill(self, part: str) -> None:
        """Kill -9 one of them and wait until another has taken its place."""
        pids = self.pids(part)
        os.kill(pids[-1], signal.SIGKILL)
        wait_until(lambda: len(self.pids(part)) > len(pids), f"another {part}")

    def pid(self, part: str) -> int:
        """The process it is now."""
        wait_until(lambda: bool(self.pids(part)), part)
        return self.pids(part)[-1]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._reading.join()
        return code

    @property
    def _has_said_all(self) -> bool:
        return not self._reading.is_alive()

    def _samples(self, name: str) -> list[float]:
        with urlopen(f"http://{self.address('metrics')}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        found = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
        return list(map(float, found))

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)

    def pids(self, part: str) -> list[int]:
        """Of all that it has been, the newest last."""
        events = [json.loads(line) for line in self.said if line.startswith("{")]
        started = [e for e in events if e.get("event") == "process started"]
        return [int(event["pid"]) for event in started if event["process"] == part]


@contextmanager
def running(folder: Path, *flags: str, **settings: str) -> Iterator[Logger]:
    logger = Logger(folder, *flags, **settings)
    try:
        yield logger
    finally:
        if logger.process.poll() is None:
            logger.process.kill()
            logger.process.wait()


class Client:
    """Sends numbered requests, one after the other; asks again when the connection breaks."""

    def __init__(self, address: str, prefix: str = "e") -> None:
        self.prefix = prefix
        self._connection = http.client.HTTPConnection(address, timeout=30)
        self.answered: list[str] = []

    def ask(self, count: int) -> None:
        for _ in range(count):
            id_ = f"{self.prefix}{len(self.answered):05d}"
            while not self._ask(id_):
                self._connection.close()
            self.answered.append(id_)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, id_: str) -> bool:
        headers = {"Content-Type": "application/json", "Ce-Id": id_}
        try:
            self._connection.request("POST", PATH, b'{"inputs":[]}', headers)
            answer = self._connection.getresponse()
            assert (answer.status, answer.read()) == (200, ANSWER)
        except (ConnectionError, http.client.HTTPException):
            return False
        return True
