"""Explainers of alibi at work, in the environment where alibi is installed."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from sidelight.errors import ConfigError, DataMismatch, PredictorError
from sidelight.pinning import folder_sha256
from sidelight.tensors import Column, Columns
from sidelight_explainers.asking import Cancelled, OutOfTime
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.models import Explained
from tests.explainers.alibi_models import WEIGHTS, alibi_model, explain, probability, table
from tests.explainers.games import numeric
from tests.explainers.serving import matrix
from tests.explainers.watching import Watching
from tests.peers import peer_python

ROW = numeric(table()[:1])


@pytest.fixture(scope="module")
def tabular() -> Explained:
    return alibi_model(
        {
            "anchor": {"type": "AnchorTabular", "explain": {"threshold": 0.9}, "at_once": 4},
            "shap": {"type": "KernelShap", "reference_rows": 20},
        }
    )


def _data(explanation: Explanation) -> dict[str, Any]:
    told = explanation.to_json()
    data: dict[str, Any] = told["data"]
    return {key: value for key, value in data.items() if key != "quality"}


def test_answers_are_alibis_with_our_quality(tabular: Explained) -> None:
    told = explain(tabular, "anchor", ROW).to_json()
    assert told["meta"]["name"] == "AnchorTabular"
    assert told["meta"]["version"] == "0.9.4"
    assert told["meta"]["params"]["threshold"] == 0.9
    data = told["data"]
    assert {"anchor", "precision", "coverage", "raw"} <= set(data)
    decided = probability(ROW)["p"].values[0].argmax()
    assert data["raw"]["prediction"] == [decided]
    assert data["quality"]["rows"] > 100
    assert data["quality"]["calls"] > 1


def test_the_same_seed_gives_the_same_answer_alone_or_among_others(tabular: Explained) -> None:
    rows = [numeric(table()[at : at + 1]) for at in range(4)]
    alone = [_data(explain(tabular, "anchor", row, seed=3)) for row in rows]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(explain, tabular, "anchor", row, seed=3) for row in rows]
        together = [_data(one.result()) for one in asked]
    assert together == alone


def test_kernel_shap_of_a_linear_score_is_the_closed_form(tabular: Explained) -> None:
    def score(rows: Columns) -> Columns:
        return Columns((Column("s", matrix(rows) @ WEIGHTS),))

    model = alibi_model({"shap": {"type": "KernelShap"}}, score)
    data = _data(explain(model, "shap", ROW))
    values = np.array(data["shap_values"]).reshape(-1)
    drawn = np.random.default_rng(0).permutation(200)[:100]
    centre = table()[drawn].mean(axis=0)
    np.testing.assert_allclose(values, WEIGHTS * (table()[0] - centre), atol=1e-8)


def test_more_rows_than_the_budget_are_refused_with_the_way_out(tabular: Explained) -> None:
    with pytest.raises(DataMismatch, match=r"alibi\.shap asks for more rows than its budget"):
        explain(tabular, "shap", ROW, budget=100)


def test_what_alibi_refuses_is_told_in_its_words(tabular: Explained) -> None:
    with pytest.raises(DataMismatch, match=r"alibi's AnchorTabular says: TypeError"):
        explain(tabular, "anchor", ROW, explain={"beam_size": "many"})


def test_importance_is_what_the_truth_loses() -> None:
    def label(rows: Columns) -> Columns:
        return Columns((Column("y", (rows["f0"].values > 0).astype(np.int64)),))

    importance = {"type": "PermutationImportance", "args": {"score_fns": "accuracy"}}
    settings = {**importance, "target": "truth", "answers": "classes", "reference_rows": 150}
    truth = Columns((Column("truth", (table()[:, 0] > 0).astype(np.int64)),))
    model = alibi_model({"importance": settings}, label, truth)
    asked = {"n_repeats": 5, "kind": "difference"}
    data = _data(explain(model, "importance", numeric(table()[:0]), explain=asked))
    first, *others = [one["mean"] for one in data["feature_importance"][0]]
    assert first == pytest.approx(0.5, abs=0.1)
    assert others == [0, 0]
    with pytest.raises(DataMismatch, match="send no rows"):
        explain(model, "importance", ROW)


def test_no_row_and_two_rows_are_refused(tabular: Explained) -> None:
    for rows in (numeric(table()[:0]), numeric(table()[:2])):
        with pytest.raises(DataMismatch, match=r"alibi\.anchor explains one row"):
            explain(tabular, "anchor", rows)


def test_arguments_that_the_class_does_not_know_are_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"explain\.bins: ALE knows no such; known are"):
        alibi_model({"ale": {"type": "ALE", "explain": {"bins": 3}}})


def _children() -> set[int]:
    return {one.pid for one in _processes()}


def _processes() -> list[psutil.Process]:
    """alibi's among the children of this process: others belong to other tests."""
    mothers = (one for one in psutil.Process().children() if _is_of_alibi(one))
    return [child for one in mothers for child in (*one.children(recursive=True), one)]


def _is_of_alibi(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return "sidelight_explainers.alibi.inside" in " ".join(process.cmdline())
    return False


def test_who_leaves_and_who_is_late_leave_no_process_behind(tabular: Explained) -> None:
    before = _children()
    endless = {"threshold": 1.0, "delta": 1e-12, "tau": 1e-6}
    with pytest.raises(OutOfTime):
        explain(tabular, "anchor", ROW, explain=endless, deadline_seconds=0.4)
    leaving = Watching()
    threading.Timer(0.3, leaving.left.set).start()
    with pytest.raises(Cancelled):
        explain(tabular, "anchor", ROW, leaving, explain=endless)
    deadline = time.monotonic() + 30
    while _children() - before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_process_that_died_is_started_again(tabular: Explained) -> None:
    alone = _data(explain(tabular, "shap", ROW))
    killed = _processes()
    assert killed
    for child in killed:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
            child.wait()
    assert _data(explain(tabular, "shap", ROW)) == alone


def test_the_predictors_refusal_is_passed_on() -> None:
    def broken(rows: Columns) -> Columns:
        raise PredictorError("the model is out of order")

    model = alibi_model({"anchor": {"type": "AnchorTabular"}}, broken)
    with pytest.raises(PredictorError, match="out of order"):
        explain(model, "anchor", ROW)


SAVE = """
import sys, types
sys.modules.setdefault("ray", types.ModuleType("ray"))
import numpy as np
from alibi.explainers import AnchorTabular
rows = np.random.default_rng(1).normal(size=(200, 3))
made = AnchorTabular(lambda rows: (rows[:, 0] > 0).astype(int), ["f0", "f1", "f2"])
made.fit(rows).save(sys.argv[1])
"""


def test_a_saved_explainer_asks_our_predictor(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    subprocess.run([peer_python("alibi"), "-c", SAVE, saved], check=True, capture_output=True)
    guarded = {"sha256": folder_sha256(saved), "allow_unsafe_artifacts": True}
    model = alibi_model({"saved": {"load": str(saved), **guarded}})
    told = explain(model, "saved", ROW).to_json()
    assert told["meta"]["name"] == "AnchorTabular"
    assert told["data"]["raw"]["prediction"] == [probability(ROW)["p"].values[0].argmax()]
    assert _data(explain(model, "saved", ROW)) == _data(explain(model, "saved", ROW))


def _praise(rows: Columns) -> Columns:
    liked = np.array(["good" in text for text in rows.columns[0].values])
    return Columns((Column("liked", liked),))


def test_three_hundred_words_need_little_memory() -> None:
    """alibi's own sampler would take more than 20 GB."""
    words = {"anchor": {"type": "AnchorText", "memory_bytes": 512 << 20}}
    model = alibi_model(words, _praise, features={"t": "text"})
    text = " ".join([*(f"word{at}" for at in range(299)), "good"])
    data = _data(explain(model, "anchor", Columns.of(t=[text])))
    assert data["anchor"] == ["good"]
    with pytest.raises(DataMismatch, match="'memory_bytes' allows"):
        explain(model, "anchor", Columns.of(t=[text]), explain={"coverage_samples": 10_000_000})


def test_less_memory_reserved_is_the_same_search(tabular: Explained) -> None:
    ours = _data(explain(tabular, "anchor", ROW))
    alibis = _data(
        explain(tabular, "anchor", ROW, explain={"threshold": 0.9, "binary_cache_size": 10_000})
    )
    assert ours["raw"].pop("num_preds") < alibis["raw"].pop("num_preds")
    assert ours == alibis


def test_anchors_of_a_picture_hold_the_superpixel_that_decides() -> None:
    def bright(rows: Columns) -> Columns:
        pictures = rows.columns[0].values
        assert pictures.dtype == np.uint8
        return Columns((Column("bright", pictures.max(axis=(1, 2, 3)) > 150),))

    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[0, :8, :8] = np.where(np.indices((8, 8)).sum(axis=0) % 2, 100, 200)[..., None]
    slic = {"segmentation_fn": "slic", "segmentation_kwargs": {"n_segments": 4}}
    model = alibi_model(
        {"anchor": {"type": "AnchorImage", "args": slic}}, bright, features={"i": "image"}
    )
    data = _data(explain(model, "anchor", Columns((Column("i", picture),))))
    assert np.array(data["anchor"])[1:7, 1:7].max() > 150
    assert data["raw"]["prediction"] == [1]
