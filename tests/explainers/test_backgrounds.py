"""The rows that stand for 'feature absent'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.config.explaining.of_model import ModelExplainers
from sidelight.config.settings import LogSettings, ModelSettings, PredictorSettings
from sidelight.errors import DataMismatch
from sidelight.log import open_log
from sidelight.tensors import Columns
from sidelight_explainers.contents.curves import Curves
from sidelight_explainers.logged.recent import read_recent
from sidelight_explainers.models import explained
from sidelight_explainers.reference.medoids import medoids
from sidelight_explainers.reference.reading import read_subject
from sidelight_explainers.wishes import wish
from tests.explainers.games import numeric, predictor
from tests.explainers.logging_exchanges import appended, exchange

NONE = Columns(())


def test_each_medoid_stands_for_its_own_cluster() -> None:
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0], [50, 0], [0, 50], [50, 50]])
    which = rng.integers(0, 4, 300)
    rows = numeric(centres[which] + rng.normal(size=(300, 2)))
    chosen = medoids(rows, frozenset(rows.names), 4, 0)
    assert sorted(which[chosen]) == [0, 1, 2, 3]


def test_medoids_leave_less_distance_than_random_rows() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(400, 3))
    rows = numeric(table)

    def left(places: Any) -> float:
        apart = np.abs(table[:, None] - table[places][None]).sum(axis=2)
        return float(apart.min(axis=1).mean())

    chosen = medoids(rows, frozenset(rows.names), 20, 0)
    assert len(set(chosen.tolist())) == 20
    assert left(chosen) < 0.9 * np.mean([left(rng.permutation(400)[:20]) for _ in range(20)])


def test_repeated_rows_and_few_rows_give_what_there_is() -> None:
    rows = Columns.of(job=["a"] * 6 + ["b"] * 2)
    assert len(set(medoids(rows, frozenset(), 5, 0).tolist())) == 5
    assert len(medoids(rows, frozenset(), 50, 0)) == 8


@pytest.fixture
def log(tmp_path: Path) -> LogSettings:
    """A log with 60 exchanges of two rows, and others that tell nothing of what clients send."""
    settings = LogSettings(url=str(tmp_path / "log"), partitions=2)
    opened = open_log(settings)
    for at in range(60):
        appended(opened, exchange([[at, 0.5], [at, 1.5]]))
        appended(opened, replace(exchange([[-1, 0]]), purpose="explain"))
        appended(opened, exchange([[-2, 0]], "stranger"))
        appended(opened, replace(exchange([[-3, 0]]), status=500))
        appended(opened, exchange([[-4, 0, 0]]))
    opened.close()
    return settings


def test_recent_rows_are_what_clients_sent_newest_first(log: LogSettings) -> None:
    rows = read_recent(log, "m", ModelSettings(), ("f0", "f1"), 1000)
    assert len(rows) == 120
    assert sorted(rows["f0"].values.tolist()) == sorted([*range(60), *range(60)])
    some = read_recent(log, "m", ModelSettings(), ("f0", "f1"), 10)
    assert some["f0"].values.tolist() == [59, 59, 58, 58, 57, 57, 56, 56, 55, 55]


def model(tmp_path: Path, **explainers: Any) -> ModelSettings:
    (tmp_path / "reference.csv").write_text("f0,f1\n" + "1000.0,2.0\n" * 30)
    return ModelSettings(
        predictor=PredictorSettings(url="http://127.0.0.1:1"),
        reference=tmp_path / "reference.csv",
        explainers=ModelExplainers.model_validate(explainers),
    )


def test_the_background_is_recent_traffic_where_the_log_has_enough(
    tmp_path: Path, log: LogSettings
) -> None:
    settings = model(tmp_path, shapley={}, background_from="log")
    subject = read_subject("m", settings, log)
    background = subject.background(100, 0)
    assert background.source == "recent traffic"
    assert background.rows["f0"].values.max() < 60
    assert subject.background(500, 0).source == "the reference"
    assert read_subject("m", settings).background(100, 0).source == "the reference"


def test_global_methods_look_at_recent_traffic_where_it_was_read(
    tmp_path: Path, log: LogSettings
) -> None:
    settings = model(tmp_path, partial_dependence={"over": "recent"})
    subject = read_subject("m", settings, log)
    opened = explained(subject, predictor(lambda table: table[:, 0]))
    asked = wish(opened, {}, "")
    content = opened.explain(asked.method, asked.options, NONE).content
    assert isinstance(content, Curves)
    assert content.data == "recent traffic"
    assert content.curves[0].points[-1] == 59
    unread = explained(replace(subject, recent=None), predictor(lambda table: table[:, 0]))
    with pytest.raises(DataMismatch, match="no recent rows of model 'm'"):
        unread.explain(asked.method, asked.options, NONE)
