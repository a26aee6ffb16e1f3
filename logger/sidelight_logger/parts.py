"""How the command starts the recorder and the shippers: what each is told, as one argument.

They load the same configuration as the command did, so secrets pass through no command line.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sidelight.config import Settings, load

RECORDER = "sidelight_logger.recorder.process"
SHIPPER = "sidelight_logger.shipper.process"


@dataclass(frozen=True)
class Part:
    """`socket` is the recorder's; `source` of the events; the file descriptors are inherited.

    `guests_fd` is the socket for loggers inside of model servers, if there is one; without a proxy
    there is no `tally_fd`. `route` tells a shipper where it carries to (`shipper.routes`).
    """

    config: str | None
    socket: str
    listen: str
    source: str
    grace_seconds: float
    flags: Mapping[str, Any] = field(default_factory=dict)
    recorder_fd: int = -1
    metrics_fd: int = -1
    tally_fd: int = -1
    guests_fd: int = -1
    route: str = ""

    @property
    def forwards(self) -> bool:
        """Whether there is a proxy."""
        return self.tally_fd >= 0

    def command(self, module: str) -> list[str]:
        return [sys.executable, "-m", module, orjson.dumps(asdict(self)).decode()]

    def settings(self) -> Settings:
        return load(Path(self.config) if self.config else None, self.flags).settings


def part_of(argv: Sequence[str]) -> Part:
    """What `Part.command` wrote."""
    return Part(**orjson.loads(argv[1]))
