"""Where a log lies, and what it survives there."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidelight.log.scope import scope

MOUNTS = r"""
22 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/x
23 22 0:22 / /dev/shm rw shared:2 - tmpfs tmpfs rw
24 22 259:1 / /data rw,relatime shared:3 - ext4 /dev/nvme0n1 rw
25 22 259:2 / /data/with\040space rw - xfs /dev/nvme1n1 rw
26 22 0:30 / /data/over rw - ext4 /dev/hidden rw
27 22 0:31 / /data/over rw - tmpfs tmpfs rw
28 22 0:40 / /share rw - nfs4 server:/share rw
""".strip()


@pytest.mark.parametrize(
    ("path", "survives", "word"),
    [
        ("/srv/log", "process", "container"),
        ("/dev/shm/log", "process", "memory"),  # noqa: S108 - read, not written
        ("/data/log", "node", "outlives"),
        ("/database/log", "process", "container"),
        ("/data/with space/log", "node", "xfs"),
        ("/data/over/log", "process", "tmpfs"),
        ("/share/log", "node", "Use a local disk"),
    ],
)
def test_the_mount_decides_what_a_log_survives(path: str, survives: str, word: str) -> None:
    found = scope(Path(path), MOUNTS)
    assert found.survives == survives
    assert word in found.sentence
    assert found.sentence.startswith(path)


def test_this_machine_has_an_answer(tmp_path: Path) -> None:
    assert scope(tmp_path).survives in {"process", "node"}
