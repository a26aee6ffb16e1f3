"""A pipeline over named columns, of text and numbers, behind MLServer: pandas' content type."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.config.predicting import PredictorSettings
from sidelight.predictors import open_predictor
from sidelight.predictors.coalescing import Coalescing
from sidelight.tensors import Column, Columns, column_of
from tests import peers

_TRAINING = """
import sys
import joblib
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
rng = np.random.default_rng(0)
rows = pd.DataFrame({
    "age": rng.normal(40, 9, 400),
    "job": rng.choice(["clerk", "smith", "no job"], 400),
    "hours": rng.integers(10, 60, 400),
})
yes = (rows["age"] > 40) ^ (rows["job"] == "smith")
model = make_pipeline(
    ColumnTransformer([("n", StandardScaler(), ["age", "hours"]), ("c", OneHotEncoder(), ["job"])]),
    LogisticRegression(),
).fit(rows, yes)
joblib.dump(model, sys.argv[1] + "/model.joblib")
asked = pd.DataFrame({"age": [30.0, 55.5], "job": ["smith", "no job"], "hours": [40, 13]})
np.save(sys.argv[1] + "/truth.npy", model.predict_proba(asked))
"""
ROWS = Columns(
    (
        column_of("age", [30.0, 55.5]),
        column_of("job", ["smith", "no job"]),
        Column("hours", np.array([40, 13])),
    )
)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[peers.Server, Any]]:
    folder: Path = tmp_path_factory.mktemp("jobs")
    python = peers.peer_python("mlserver")
    subprocess.run([python, "-c", _TRAINING, folder], check=True)
    settings = {
        "name": "jobs",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(folder / "model.joblib"), "version": "v1"},
    }
    (folder / "model-settings.json").write_text(json.dumps(settings))
    with peers.mlserver(folder) as server:
        yield server, np.load(folder / "truth.npy")


@pytest.mark.parametrize("how", [{}, {"tensors": "raw"}, {"tensors": "typed"}])
def test_mlserver_gets_a_frame_of_named_columns(
    jobs: tuple[peers.Server, Any], how: dict[str, Any]
) -> None:
    server, truth = jobs
    url = server.grpc if how else server.http
    predictor = open_predictor(
        "jobs", PredictorSettings(url=url, output="predict_proba", **how), ("age", "job", "hours")
    )
    answer = predictor(ROWS)
    predictor.close()
    np.testing.assert_allclose(answer["predict_proba"].values, truth, rtol=1e-9)
    assert answer.parameters["model_version"] == "v1"


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_shared_calls_to_mlserver_give_each_its_own(
    jobs: tuple[peers.Server, Any], protocol: str
) -> None:
    server, truth = jobs
    url = server.http if protocol == "http" else server.grpc
    settings = PredictorSettings(url=url, output="predict_proba")
    shared = Coalescing(open_predictor("jobs", settings, ROWS.names))

    def ask(at: int) -> Any:
        return shared(ROWS.take([at % 2]))["predict_proba"].values

    with ThreadPoolExecutor(16) as pool:
        for at, values in enumerate(pool.map(ask, range(64))):
            np.testing.assert_allclose(values, truth[[at % 2]], rtol=1e-9)
    shared.close()
    assert shared.sent.calls < 64
    assert shared.sent.rows <= 2 * shared.sent.calls
