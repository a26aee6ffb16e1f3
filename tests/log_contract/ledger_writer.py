"""A process that appends numbers and says, after each batch, which were acknowledged.

Run as ``python -m tests.log_contract.ledger_writer SETTINGS NAME SEED [BATCHES]``; values are
``NAME number`` padded to a seeded length, numbers count from 0 without a gap.
"""

from __future__ import annotations

import random
import sys
from itertools import count, islice

from sidelight.config.settings import LogSettings
from sidelight.log import Record, open_log


def main(settings: str, name: str, seed: str, batches: str = "") -> None:
    log = open_log(LogSettings.model_validate_json(settings))
    rng = random.Random(int(seed))
    number = 0
    for _ in islice(count(), int(batches) if batches else None):
        size = rng.choice([1, 2, 10, 100])
        log.append(
            "inference",
            [
                Record(b"%s %d " % (name.encode(), n) + b"." * rng.randrange(600))
                for n in range(number, number + size)
            ],
            partition=0,
        )
        number += size
        print(number, flush=True)
    log.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
