"""The real process, killed again and again while it tells of an alarm."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sidelight.log import open_log
from tests.dashboard.filled import detect, drifting, settings_of
from tests.dashboard.scraping import until
from tests.dashboard.told import inbox
from tests.ports import free_port


@pytest.mark.soak
def test_kill_9_at_any_time_loses_no_alarm_and_tells_none_twice_under_another_id(
    tmp_path: Path,
) -> None:
    with inbox() as box:
        box.answers = [(503, {})] * 3
        config = _config(tmp_path, box.url)
        for _ in range(4):
            seen = len(box.bodies)
            process = _started(config)
            until(lambda seen=seen: len(box.bodies) > seen)  # type: ignore[misc]
            process.kill()
            process.wait()
        process = _started(config)
        with pytest.raises(TimeoutError):
            until(lambda: len(box.bodies) > 5, 20)
        process.terminate()

        assert process.wait(30) == 0
        assert len({one["id"] for one in box.bodies}) == 1


def _config(folder: Path, url: str) -> Path:
    told = settings_of(
        folder,
        dashboard={
            "listen": f"127.0.0.1:{free_port()}",
            "alerts": {"webhooks": {"hook": {"url": url}}},
        },
    )
    with closing(open_log(told.log)) as log:
        detect(log, told, drifting())
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(told.model_dump(mode="json", exclude_unset=True)))
    return file


def _started(config: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sidelight.command", "dashboard", "--config", str(config)]
    with (config.parent / "dashboard.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)
