"""Kafka's jars: fetched once with Maven into a cache folder, then used from there."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidelight.errors import SidelightError

_HERE = Path(__file__).parent
POM = _HERE / "pom.xml"
FETCH_SECONDS = 600.0
_TOOLS = {"java": "Java 17 or newer", "mvn": "Maven"}


class BrokerUnavailable(SidelightError, RuntimeError):
    """This machine cannot run a broker, or the broker did not start; the message says why."""


def missing_tools() -> str:
    """What to install before a broker can run here, empty when nothing is missing."""
    missing = [name for name in _TOOLS if shutil.which(name) is None]
    if not missing:
        return ""
    names = " and ".join(_TOOLS[name] for name in missing)
    return (
        f"a Kafka broker needs {names}; install with"
        " `apt-get install openjdk-17-jre-headless maven`"
    )


def cache_folder() -> Path:
    """``build/kafka`` in a checkout, else ``$XDG_CACHE_HOME/sidelight/kafka``."""
    checkout = _HERE.parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "build" / "kafka"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sidelight" / "kafka"


def jars(cache: Path) -> Path:
    """The folder of the jars that the POM names, fetched when it is not there yet.

    Raises `BrokerUnavailable` when a tool is missing or Maven fails.
    """
    if missing := missing_tools():
        raise BrokerUnavailable(missing)
    wanted = cache / f"jars-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if not wanted.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / "jars.lock"):
            if not wanted.is_dir():
                _fetch(wanted)
    return wanted


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Test runs that begin together fetch once."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(wanted: Path) -> None:
    partial = wanted.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [
        *("mvn", "--batch-mode", "--quiet", "--file", str(POM)),
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={partial}",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise BrokerUnavailable(
            f"Maven did not fetch Kafka within {FETCH_SECONDS:.0f} s; try again"
        ) from exc
    if done.returncode:
        raise BrokerUnavailable(f"Maven cannot fetch Kafka:\n{_end(done.stdout)}")
    partial.rename(wanted)


def _end(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-8:])
