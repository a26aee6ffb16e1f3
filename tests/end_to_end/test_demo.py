"""The demo as a stranger types it: every service a process of its own, real rows over real HTTP.

On the log of its own it is told where a browser looks at it, in `tests/browser`.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.kafka import Kafka


def test_the_demo_tells_the_same_story_over_kafka(kafka_broker: Kafka) -> None:
    done = _demo("--kafka", SIDELIGHT_KAFKA=kafka_broker.bootstrap)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "The story came out as promised." in done.stdout
    assert "written: build/demo/explanation.html" in done.stdout
    assert f"kafka://{kafka_broker.bootstrap}/demo-" in done.stdout


def _demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidelight.command", "demo", "--exit", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | environment,
    )
