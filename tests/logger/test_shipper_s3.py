"""A bucket behind a real S3 interface (moto's server, asked through s3fs)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sidelight.log import open_log
from tests.logger.shipping import fill, shipping
from tests.logger.sinks import wait_until
from tests.peers import built_peer_python
from tests.ports import free_port

_CREATE = "import boto3; boto3.client('s3').create_bucket(Bucket='logs')"
_READ = """
import json, boto3
s3 = boto3.client('s3')
found = s3.list_objects_v2(Bucket='logs').get('Contents', [])
read = lambda key: s3.get_object(Bucket='logs', Key=key)['Body'].read().decode()
print(json.dumps({one['Key']: json.loads(read(one['Key'])) for one in found}))
"""


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The interpreter that knows boto3; the environment says where the server is."""
    python = built_peer_python("s3")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    [packages] = (python.parent.parent / "lib").glob("python*/site-packages")
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])  # what shippers are started with
    command = [str(python.with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(url), "the server", 60)
        yield python
    finally:
        server.kill()
        server.wait()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}/moto-api/").close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def objects(python: Path) -> dict[str, Any]:
    told = subprocess.run([python, "-c", _READ], capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_a_bucket_that_is_made_late_gets_every_exchange(tmp_path: Path, s3: Path) -> None:
    """Also when the shipper is killed on the way."""
    url = str(tmp_path / "log")
    settings = {
        "log.url": url,
        "logger.sinks.s3.url": "s3://logs/prefix",
        "logger.sinks.s3.files": {"batch_records": 100, "batch_seconds": 60, "path": "sub"},
    }
    with (
        closing(open_log(url)) as log,
        shipping(tmp_path, settings, route="s3") as shipper,
    ):
        fill(log, 1, 500)
        wait_until(lambda: shipper.stats.failures.get("denied", 0) > 1, "the refusal")
        assert "does not exist" in shipper.stats.trouble
        assert shipper.stats.waiting == 500
        subprocess.run([s3, "-c", _CREATE], check=True)
        wait_until(lambda: shipper.stats.delivered > 0, "the first batch")
        shipper.kill()
        fill(log, 501, 500)
        time.sleep(0.1)
        shipper.start()
        wait_until(
            lambda: shipper.stats.delivered == 1000 and shipper.stats.waiting == 0, "all of them"
        )
    found = objects(s3)
    assert all(name.startswith("prefix/sub/") for name in found)
    rows = {(row["id"], row["reqType"]) for batch in found.values() for row in batch}
    assert len(rows) == 2000
    assert {len(batch) for batch in found.values()} == {100}
