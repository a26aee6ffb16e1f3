"""What the demo's services need before they start: a model, its reference, a configuration."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import yaml
from sklearn.pipeline import Pipeline

from sidelight.config.settings import LogSettings
from sidelight.demo import data, model, scenario
from sidelight.demo.codebook import glossary
from sidelight.demo.scenario import Scenario
from sidelight.demo.traffic import CLIENT
from sidelight.tensors import Columns

MODEL = "employment"
WINDOW_ROWS = 600
FLAGGED_RATE = 0.01
FALSE_ALARMS = 0.05
GAP_TOLERANCE = 0.02
SLOT_SECONDS = 1.0
"""The whole story takes half a minute: pages of it show seconds where others show minutes."""
LABEL_WINDOW_SECONDS = 8.0
LABEL_WAIT_SECONDS = 8.0
PARITY = "statistical_parity_difference"
FALSE_POSITIVES = "false_positive_rate_difference"
MEN, WOMEN = "1", "2"
"""Codes of SEX."""
PORTS = {"predictor": 8080, "logger": 9081, "logger metrics": 9091, "detectors": 9082}
PORTS |= {"explainers": 9083, "dashboard": 9084}


@dataclass(frozen=True)
class Accuracy:
    """Share of people about whom the model is right, in [0, 1]."""

    reference: float
    quiet: float
    opened: float


@dataclass(frozen=True)
class Stage:
    """What was prepared: the rows to replay, and where the services find what they need."""

    scenario: Scenario
    accuracy: Accuracy
    folder: Path
    log: LogSettings
    addresses: Mapping[str, str]
    attacker: Columns

    @property
    def model_file(self) -> Path:
        return self.folder / "employment.skops"

    @property
    def config(self) -> Path:
        return self.folder / "sidelight.yaml"


def prepare(folder: Path, seed: int, data_folder: Path, log: LogSettings) -> Stage:
    """Fetch the survey, train and judge the model, and write reference and settings to `folder`."""
    told = scenario.build(data.fetch(data_folder), seed)
    pipeline = model.train(told.training, seed)
    samples = (told.reference, told.quiet, told.opened)
    accuracy = Accuracy(*(model.accuracy(pipeline, sample) for sample in samples))
    stage = Stage(told, accuracy, folder, log, free_addresses(), attacker(told.quiet, pipeline))
    folder.mkdir(parents=True, exist_ok=True)
    model.save(pipeline, stage.model_file)
    write_reference(told.reference, pipeline, folder / "reference.parquet")
    stage.config.write_text(yaml.safe_dump(settings(log, stage.addresses), sort_keys=False))
    return stage


def attacker(people: data.Survey, pipeline: Pipeline) -> Columns:
    """Somebody of about fifty, at home and unable to work, whom the model is rather sure about."""
    found = people.people
    probability = pipeline.predict_proba(model.matrix(found))[:, 1]
    is_one = (probability > 0.08) & (probability < 0.12) & ~people.in_group_quarters
    is_one &= (found["AGEP"].values >= 45) & (found["AGEP"].values <= 55)
    is_one &= (found["DIS"].values.astype(str) == "1") & (found["DREM"].values.astype(str) == "1")
    first = int(np.flatnonzero(is_one)[0])
    return found.take(slice(first, first + 1))


def write_reference(people: data.Survey, pipeline: Pipeline, path: Path) -> None:
    """People with the model's answers on them, and what is true."""
    probability = pipeline.predict_proba(model.matrix(people.people))[:, 1]
    columns = {column.name: pa.array(column.values) for column in people.people}
    answers = {"probability": probability, "prediction": (probability >= 0.5).astype(np.int64)}
    pyarrow.parquet.write_table(pa.table(columns | answers | {"employed": people.employed}), path)


def settings(log: LogSettings, addresses: Mapping[str, str]) -> dict[str, object]:
    """The configuration file of the demo."""
    folder_or_topics = log.url if "://" in log.url else Path(log.url).name
    return {
        "log": {"url": folder_or_topics, "partitions": log.partitions},
        "models": {
            MODEL: {
                "predictor": {
                    "url": f"http://{addresses['predictor']}",
                    "protocol": "v2",
                    "output": "probability",
                },
                "reference": "reference.parquet",
                "features": dict.fromkeys(data.FEATURES, "categorical") | {"AGEP": "numeric"},
                "outputs": {"probability": "numeric", "prediction": "categorical"},
                "outcome": {
                    "prediction": "prediction",
                    "probability": "probability",
                    "label": "employed",
                },
                "detectors": {
                    "drift": {"window": WINDOW_ROWS, "alarm": {"false_alarms": FALSE_ALARMS}},
                    "outlier": {"rate": FLAGGED_RATE},
                    "adversarial": {"client": CLIENT.lower()},
                    "bias": {
                        "protected": {"SEX": {"privileged": MEN}},
                        "metrics": [PARITY, FALSE_POSITIVES],
                        "tolerance": GAP_TOLERANCE,
                    },
                    "labels": {
                        "window_seconds": LABEL_WINDOW_SECONDS,
                        "wait_seconds": LABEL_WAIT_SECONDS,
                    },
                },
                "explainers": {"shapley": {"budget": 2048}},
                "glossary": glossary(),
            }
        },
        "logger": {
            "listen": addresses["logger"],
            "metrics": addresses["logger metrics"],
            "headers": [CLIENT.lower()],
        },
        "detectors": {
            "listen": addresses["detectors"],
            "run_rows": 50,
            "bucket_seconds": SLOT_SECONDS,
        },
        "explainers": {"listen": addresses["explainers"]},
        "dashboard": {"listen": addresses["dashboard"], "pane_seconds": SLOT_SECONDS},
    }


def free_addresses(ports: Mapping[str, int] = PORTS) -> dict[str, str]:
    """A loopback address for each service: its usual port, or any free one when that is taken."""
    with_sockets = {name: _bound(port) for name, port in ports.items()}
    addresses = {name: f"127.0.0.1:{held.getsockname()[1]}" for name, held in with_sockets.items()}
    for held in with_sockets.values():
        held.close()
    return addresses


def _bound(port: int) -> socket.socket:
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind(("127.0.0.1", port))
    except OSError:
        held.bind(("127.0.0.1", 0))
    return held
