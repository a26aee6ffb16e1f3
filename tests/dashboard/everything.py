"""All services at work around a small model, for what can be seen only then."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import yaml

from sidelight.tensors import Columns
from tests.dashboard.scraping import until
from tests.detectors.traffic import MODEL, rows
from tests.logger.serving import Handler, served
from tests.ports import free_ports

SERVICES = ("logger", "detectors", "explainers", "dashboard", "receiver", "joiner")
_ROUTES = {"explainers": "/v2/health/ready"}
_HEADERS = {"content-type": "application/json"}
ROWS = 50


class _Model(Handler):
    """Answers V2 with `answers`; takes whatever else is posted, and is always ready."""

    def do_POST(self) -> None:
        asked = json.loads(self.body())
        said = _answer(asked) if self.path.endswith("/infer") else {}
        self._say(json.dumps(said).encode())

    def do_GET(self) -> None:
        self._say(b"{}")

    def _say(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def answers(columns: Columns) -> Columns:
    """Older people, and men a little, have the larger score."""
    men = columns["sex"].values == "m"
    score = np.clip(columns["age"].values.astype(float) / 100 + 0.1 * men, 0, 1).round(4)
    return Columns.of(score=score, earns=(score >= 0.45).astype(np.int64))


def _answer(asked: Any) -> Any:
    given = {one["name"]: one["data"] for one in asked["inputs"]}
    age, sex = np.array(given["age"], float), np.array(given["sex"], object)
    return {
        "model_name": MODEL,
        "model_version": "1",
        "outputs": list(_tensors(answers(Columns.of(age=age, sex=sex)))),
    }


def _tensors(columns: Columns) -> Iterator[Any]:
    datatypes = {"f": "FP64", "i": "INT64", "O": "BYTES"}
    for column in columns:
        values = column.values
        datatype = datatypes[values.dtype.kind]
        data = values.tolist()
        yield {"name": column.name, "shape": [len(data)], "datatype": datatype, "data": data}


@dataclass(frozen=True)
class Everything:
    """Where each service answers; `send` is a client of the model, and of its labels."""

    addresses: Mapping[str, str]

    def send(self, people: Columns) -> None:
        """Through the logger; then half of the labels, which agree with the decisions."""
        asked = {"inputs": list(_tensors(Columns.of(age=people["age"].values, sex=_sex(people))))}
        path = f"/v2/models/{MODEL}/infer"
        taken = self._posted("proxy", path, asked)
        labels = answers(people)["earns"].values[: len(people) // 2].tolist()
        self._posted("detectors", "/feedback", {"model": MODEL, "id": taken, "labels": labels})

    def explain(self, person: Columns) -> None:
        asked = {"inputs": list(_tensors(person))}
        self._posted("explainers", f"/v2/models/{MODEL}/explain", asked)

    def _posted(self, service: str, path: str, body: Any) -> str:
        url = f"http://{self.addresses[service]}{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), _HEADERS)
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
            return str(answer.headers.get("x-request-id", ""))

    def metrics(self, service: str) -> str:
        with urllib.request.urlopen(f"http://{self.addresses[service]}/metrics", timeout=30) as it:
            return str(it.read().decode())


@contextmanager
def everything(folder: Path, **sections: Any) -> Iterator[Everything]:
    """`sidelight up` with each service and detector there is metrics of; ready."""
    names = ("proxy", *SERVICES)
    ports = (f"127.0.0.1:{port}" for port in free_ports(len(names)))
    at = Everything(dict(zip(names, ports, strict=True)))
    with served(_Model) as model:
        file = folder / "sidelight.yaml"
        file.write_text(yaml.safe_dump(_document(folder, model, at.addresses) | sections))
        command = [sys.executable, "-m", "sidelight.command", "up", "--config", str(file)]
        with (folder / "up.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            until(lambda: process.poll() is not None or all(map(at_ready(at), SERVICES)), 120)
            assert process.poll() is None, (folder / "up.log").read_text()
            yield at
        finally:
            process.terminate()
            process.wait(60)


def at_ready(at: Everything) -> Any:
    """Whether a service answers that it is ready."""

    def is_ready(service: str) -> bool:
        url = f"http://{at.addresses[service]}{_ROUTES.get(service, '/readyz')}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    return is_ready


def _document(folder: Path, model: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    people = rows(2000, seed=1)
    columns = {"age": people["age"].values, "sex": _sex(people)}
    columns |= {column.name: column.values for column in answers(people)}
    reference = folder / "reference.parquet"
    table = pa.table({name: values.tolist() for name, values in columns.items()})
    pyarrow.parquet.write_table(table.append_column("true", table["earns"]), reference)
    return {
        "log": str(folder / "log.db"),
        "models": {MODEL: _watched(str(reference), model)},
        "logger": {
            "listen": addresses["proxy"],
            "metrics": addresses["logger"],
            "sinks": {"bus": {"url": f"{model}/events"}},
        },
        "receiver": {"listen": addresses["receiver"]},
        "joiner": {"listen": addresses["joiner"]},
        "detectors": {
            "listen": addresses["detectors"],
            "run_seconds": 0.2,
            "bucket_seconds": 1,
            "lateness_seconds": 0,
        },
        "explainers": {"listen": addresses["explainers"]},
        "dashboard": {
            "listen": addresses["dashboard"],
            "pane_seconds": 1,
            "alerts": {"webhooks": {"pager": {"url": f"{model}/alarms"}}},
        },
    }


def _watched(reference: str, model: str) -> dict[str, Any]:
    return {
        "predictor": {"url": model, "protocol": "v2", "output": "score"},
        "reference": reference,
        "features": {"age": "numeric", "sex": {"categories": ["f", "m"]}},
        "outputs": {"score": "numeric", "earns": "categorical"},
        "outcome": {"prediction": "earns", "probability": "score", "label": "true"},
        "detectors": {
            "drift": {"window": 100},
            "outlier": {"rate": 0.01},
            "adversarial": {},
            "bias": {"protected": {"sex": {"privileged": "m"}}},
            "labels": {"window_seconds": 1, "wait_seconds": 1},
            "flips": {"protected": ["sex"], "window": 20},
        },
        "explainers": {"shapley": {"budget": 64}},
    }


def _sex(people: Columns) -> Any:
    return people["sex"].values
