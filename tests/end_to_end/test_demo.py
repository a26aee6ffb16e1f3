"""The demo as a stranger types it: every service a process of its own, real rows over real HTTP."""

from __future__ import annotations

import subprocess
import sys


def test_the_demo_tells_its_story_and_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sidelight.command", "demo", "--exit"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The story came out as promised." in done.stdout
