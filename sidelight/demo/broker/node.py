"""One Kafka node: formatted once, started, killed, paused and started again on the same data."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

from sidelight.demo.broker.jars import BrokerUnavailable, cache_folder, jars
from sidelight.demo.broker.properties import Listeners, NodeSettings, server_properties
from sidelight.tether import tied

START_SECONDS = 90.0
STOP_SECONDS = 30.0
_LOGGING = Path(__file__).with_name("log4j2.properties")
_READY = b"Kafka Server started"
_JVM = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:+UseSerialGC",
    "-XX:ActiveProcessorCount=1",
    "-XX:TieredStopAtLevel=1",
    f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}",
)


class Broker:
    """A broker of this process; it dies when the thread that started it does.

    `folder` holds its data, ``server.properties`` and ``server.log``. The ports are chosen with the
    object and stay the same over every restart.
    """

    def __init__(
        self,
        folder: Path,
        settings: NodeSettings | None = None,
        *,
        listeners: Listeners | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings or NodeSettings()
        self.listeners = listeners or Listeners.free(*self.settings.protocols)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The first listener's address, ``127.0.0.1:PORT``."""
        return self.address(next(iter(self.listeners.clients)))

    def address(self, protocol: str) -> str:
        """Where that protocol is spoken."""
        return f"127.0.0.1:{self.listeners.clients[protocol]}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and return when it serves; raises `BrokerUnavailable` when it does not."""
        if self._process is not None:
            raise BrokerUnavailable(f"the broker at {self.bootstrap} runs already")
        command = server_command(self.folder, self.listeners, self.settings)
        with server_log(self.folder).open("ab") as output:
            seen = output.tell()
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                tied(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            await_ready(self._process, self.folder, seen)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what was not yet written to the disk's cache is lost."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it on the same data and ports."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers once this returns."""
        self._signal(signal.SIGSTOP)
        if self.pid is not None:
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise BrokerUnavailable(f"the broker at {self.bootstrap} does not run")
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def server_log(folder: Path) -> Path:
    """Where the server writes what it does."""
    return folder / "server.log"


def server_command(folder: Path, listeners: Listeners, settings: NodeSettings) -> list[str]:
    """The command of a server that is ready to start: configured, and formatted if it is new."""
    java = ["java", *_JVM, "-cp", f"{jars(cache_folder())}/*"]
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "server.properties"
    configuration.write_text(server_properties(folder, listeners, settings))
    if not (folder / "data" / "meta.properties").exists():
        _format(java, configuration, settings)
    return [*java, "kafka.Kafka", str(configuration)]


def _format(java: list[str], configuration: Path, settings: NodeSettings) -> None:
    named = settings.cluster or uuid.uuid4()
    cluster = base64.urlsafe_b64encode(named.bytes).decode().rstrip("=")
    users = [
        f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]"
        for name, password in settings.users.items()
    ]
    command = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--config", str(configuration), *users],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BrokerUnavailable(
            f"Kafka cannot format its storage:\n{done.stdout}{done.stderr}".rstrip()
        )


def await_ready(process: subprocess.Popen[bytes], folder: Path, seen: int) -> None:
    """Return once the server says so in its log, after the `seen` bytes that were there before."""
    log = server_log(folder)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with log.open("rb") as file:
            file.seek(seen)
            if _READY in file.read():
                return
        if process.poll() is not None:
            raise BrokerUnavailable(
                f"Kafka ended with code {process.returncode} instead of starting; see {log}"
            )
        time.sleep(0.05)
    raise BrokerUnavailable(f"Kafka did not start within {START_SECONDS:.0f} s; see {log}")
