"""What the receiver costs: posts of one event of 1 KiB, and batches, over kept connections.

    python -m benchmarks.receiver

The receiver is a process of its own over a local log; CPU is its own, of all its threads.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import psutil
import yaml

EVENTS = 4000
SENDERS = (1, 5, 50)
BATCH = 100
DATA = {"instances": [[float(n) for n in range(150)]]}


def main() -> None:
    print(f"{'posts':>22}  events/s  µs of CPU an event  MiB")
    with tempfile.TemporaryDirectory() as folder, _receiver(Path(folder)) as (process, port):
        for senders in SENDERS:
            _measure(f"single, {senders} senders", process, port, senders, batch=1)
        _measure(f"batches of {BATCH}, 5", process, port, 5, batch=BATCH)


def _measure(name: str, process: psutil.Process, port: int, senders: int, batch: int) -> None:
    posts = EVENTS // senders if batch == 1 else 40
    before, began = _cpu(process), time.monotonic()
    threads = [
        threading.Thread(target=_send, args=(port, number, posts, batch))
        for number in range(senders)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    seconds, spent = time.monotonic() - began, _cpu(process) - before
    count = posts * senders * batch
    held = process.memory_info().rss / 2**20
    print(f"{name:>22}  {count / seconds:8.0f}  {spent / count * 1e6:18.0f}  {held:3.0f}")


def _send(port: int, sender: int, posts: int, batch: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    data = orjson.dumps(DATA)
    for number in range(posts):
        if batch == 1:
            headers = {f"ce-{n}": v for n, v in _attributes(f"{sender}-{number}").items()}
            connection.request("POST", "/", data, {**headers, "content-type": "application/json"})
        else:
            ids = (f"{sender}-{number}-{each}" for each in range(batch))
            events = [{**_attributes(id_), "data": DATA} for id_ in ids]
            kind = {"content-type": "application/cloudevents-batch+json"}
            connection.request("POST", "/", orjson.dumps(events), kind)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")


def _attributes(id_: str) -> dict[str, str]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "http://localhost:9081/",
        "type": "org.kubeflow.serving.inference.request",
        "time": "2026-09-21T12:00:00.123456789Z",
        "inferenceservicename": "income",
        "namespace": "prod",
        "component": "predictor",
        "endpoint": "",
        "metadata": "{}",
    }


@contextmanager
def _receiver(folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    config = folder / "sidelight.yaml"
    told = {"log": str(folder / "log"), "receiver": {"listen": f"127.0.0.1:{port}"}}
    config.write_text(yaml.safe_dump(told))
    command = [sys.executable, "-m", "sidelight.command", "receiver", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port):
            time.sleep(0.1)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
