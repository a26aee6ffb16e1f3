"""A process that joins a group and commits ever growing positions until it is killed.

Run as ``python -m tests.log_contract.group_holder SETTINGS GROUP``; it says each offset after the
commit, and ``fenced`` at the end. Two partitions and their notes always move together.
"""

from __future__ import annotations

import sys
from itertools import count

from sidelight.config.settings import LogSettings
from sidelight.errors import Fenced
from sidelight.log import Position, open_log


def main(settings: str, group: str) -> None:
    log = open_log(LogSettings.model_validate_json(settings))
    member = log.join(group, "inference")
    for offset in count(1):
        position = Position(offset, b"%d " % offset * 20_000)
        try:
            member.commit({0: position, 1: position})
        except Fenced:
            print("fenced", flush=True)
            return
        print(offset, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
