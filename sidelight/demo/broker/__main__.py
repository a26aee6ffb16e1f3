"""``python -m sidelight.demo.broker start|stop|status [FOLDER]``: a broker to play with."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sidelight.demo.broker.background import Running, start, status, stop
from sidelight.demo.broker.jars import BrokerUnavailable, cache_folder
from sidelight.demo.broker.node import server_log

DEFAULT_PORT = 9092


def main() -> None:
    given = _parser().parse_args()
    folder = given.folder.resolve()
    try:
        sys.exit(_ACTIONS[given.action](folder, given.port))
    except BrokerUnavailable as exc:
        sys.exit(f"kafka: {exc}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kafka", description="One Kafka broker on 127.0.0.1.")
    parser.add_argument("action", choices=sorted(_ACTIONS))
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=cache_folder() / "broker",
        help="where its data lies (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="(default: %(default)s, and the next one)"
    )
    return parser


def _start(folder: Path, port: int) -> int:
    running = start(folder, port)
    print(f"Kafka serves {running.bootstrap} (process {running.pid}); use it with")
    print(f"  log: kafka://{running.bootstrap}/sidelight")
    print(f"its data and {server_log(folder).name} are in {folder}")
    print(f"stop it with: scripts/kafka stop {folder}")
    return 0


def _stop(folder: Path, port: int) -> int:
    print(_told(stop(folder), folder, "stopped"))
    return 0


def _status(folder: Path, port: int) -> int:
    running = status(folder)
    print(_told(running, folder, "runs"))
    return 0 if running else 1


def _told(running: Running | None, folder: Path, what: str) -> str:
    if running is None:
        return f"no Kafka of {folder} runs"
    return f"Kafka at {running.bootstrap} (process {running.pid}) {what}"


_ACTIONS = {"start": _start, "stop": _stop, "status": _status}


if __name__ == "__main__":
    main()
