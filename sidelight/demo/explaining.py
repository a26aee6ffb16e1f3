"""Asks the explain service about one row that the log holds."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from sidelight.demo.prepare import MODEL, Stage
from sidelight.demo.watching import Flagged
from sidelight.errors import SidelightError
from sidelight.events.exchanges import from_record
from sidelight.log import Log
from sidelight.protocols import v1
from sidelight.protocols.decoding import decode_inputs
from sidelight.tensors import Columns

EXPLAIN_SECONDS = 120.0


def row_of(log: Log, flagged: Flagged) -> Columns:
    """The flagged row, read back from the exchange that carried it."""
    exchange = from_record(log.get(flagged.address).record)
    return decode_inputs(exchange).take(slice(flagged.row, flagged.row + 1))


def explain(address: str, row: Columns) -> Any:
    """The explanation of one row, by KServe's `:explain`."""
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        headers = {"Content-Type": "application/json"}
        body = v1.encode_request(row)
        connection.request("POST", f"/v1/models/{MODEL}:explain", body, headers)
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise SidelightError(f"the explainer answered {response.status}: {answer[:500]!r}")
    return orjson.loads(answer)["explanations"][0]


def picture_command(stage: Stage, flagged: Flagged) -> list[str]:
    """What anybody can type to see why: the row is read from the log, the model is asked."""
    where = ["--exchange", str(flagged.address), "--row", str(flagged.row)]
    return ["explain", *where, "--config", str(stage.config), "--html", str(picture_file(stage))]


def picture_file(stage: Stage) -> Path:
    return stage.folder / "explanation.html"


def told_by(command: Sequence[str]) -> str:
    """What `sidelight` prints when this is typed."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "sidelight.command", *command],
        capture_output=True,
        text=True,
        timeout=EXPLAIN_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SidelightError(f"sidelight {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout.strip()
