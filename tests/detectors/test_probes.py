"""Our own questions leave no trace in what detectors say; who only claims to be us is traffic."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from sidelight.config import load
from sidelight.config.settings import PredictorSettings, Settings
from sidelight.events import Body, Exchange
from sidelight.events.exchanges import from_record, to_record
from sidelight.log import Record, Stored, open_log
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import ALARMS, DEAD_LETTERS, INFERENCE, PANES, RESULTS
from sidelight.predictors import open_predictor
from sidelight.probes import MAX_AGE_NS, Mark, ProbeKey, key_place, probe_key
from sidelight.protocols import v2_grpc
from sidelight.tensors import Columns
from sidelight_detectors.service.complaints import Complaints
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.service.planning import fitted_plans
from sidelight_detectors.streaming.intake import Sample, Skipped, WatchedColumns, take
from sidelight_detectors.streaming.marks import Marks
from sidelight_detectors.streaming.plan import Plan
from sidelight_detectors.streaming.run import Run
from sidelight_explainers.models import open_models
from sidelight_explainers.service.app import create_app
from tests.detectors.traffic import MODEL, START_NS, exchange, plan, rows
from tests.detectors.watching import records_of, watch
from tests.explainers.serving import model_app, probability_of_yes, served
from tests.logger.commanding import running
from tests.logger.sinks import wait_until
from tests.sidelight import grpc_servers

KEY = ProbeKey(b"0123456789abcdef0123456789abcdef")
FEATURES = ("f0", "f1", "f2")
SAID = (PANES, RESULTS, ALARMS, DEAD_LETTERS)
FORGED = "forged"


class LogWithHoles(MemoryLog):
    """A log without the records at some offsets; the others stand where they stood."""

    def __init__(self, holes: frozenset[int]) -> None:
        super().__init__()
        self._holes = holes

    def read(self, topic: str, partition: int, offset: int, **limits: Any) -> list[Stored]:
        while found := super().read(topic, partition, offset, **limits):
            kept = [one for one in found if self._is_there(topic, one.address.offset)]
            if kept:
                return kept
            offset = found[-1].address.offset + 1
        return []

    def _is_there(self, topic: str, offset: int) -> bool:
        return topic != INFERENCE or offset not in self._holes


def said_of(log: MemoryLog, watched: Plan, records: Sequence[Record]) -> list[list[bytes]]:
    """All bytes that detectors write when this is their traffic."""
    log.append(INFERENCE, records)
    watch(log, [watched], watched.service)
    return [[one.value for one in records_of(log, topic)] for topic in SAID]


def assert_probes_change_nothing(
    watched: Plan, records: Sequence[Record], probes: frozenset[int]
) -> None:
    with_them = said_of(MemoryLog(), watched, records)
    without = said_of(LogWithHoles(probes), watched, records)
    assert with_them == without
    panes, results, *_ = with_them
    assert panes
    assert results


def written(folder: Path, url: str, predictor: dict[str, Any]) -> Path:
    table = np.random.default_rng(0).normal(size=(500, 3))
    answers = probability_of_yes(table)[:, None]
    lines = [",".join(map(str, line)) for line in np.hstack([table, answers])]
    (folder / "reference.csv").write_text("\n".join(["f0,f1,f2,probability[1]", *lines]))
    document = {
        "log": str(folder / "log"),
        "models": {
            MODEL: {
                "predictor": {"url": url, **predictor},
                "reference": str(folder / "reference.csv"),
                "features": dict.fromkeys(FEATURES, "numeric"),
                "outputs": {"probability[1]": "numeric"},
                "detectors": {"drift": {"window": 50}, "outlier": {}},
                "explainers": {"shapley": {"budget": 64, "background": 8}},
            }
        },
        "detectors": {"run_rows": 40},
    }
    file = folder / "sidelight.yaml"
    file.write_text(json.dumps(document))
    return file


def inputs(count: int, seed: int) -> Columns:
    table = np.random.default_rng(seed).normal(size=(count, 3))
    return Columns.of(**dict(zip(FEATURES, table.T, strict=True)))


def ask_as_a_client(url: str, calls: int) -> None:
    predictor = open_predictor(MODEL, PredictorSettings(url=url))
    for number in range(calls):
        predictor(inputs(3, number))
    predictor.close()


def ask_for_explanations(settings: Settings, url: str, requests: int) -> int:
    """Twenty in each request, between the calls of a client; the calls that they made together."""
    table = np.random.default_rng(1).normal(size=(20, 3)).tolist()
    instances = [dict(zip(FEATURES, line, strict=True)) for line in table]
    models = open_models(settings)
    with served(create_app(models, settings.explainers)) as explainers:
        for _ in range(requests):
            ask_as_a_client(url, 2)
            answer = httpx.post(
                f"{explainers}/v1/models/{MODEL}:explain", json={"instances": instances}, timeout=60
            )
            assert answer.status_code == 200, answer.text
    return sum(model.predictor.sent.calls for model in filter(None, models.values()))


def claim_to_be_us(url: str, key: ProbeKey) -> int:
    """How many exchanges a stranger sent with headers that prove nothing."""
    tensors = [{"name": name, "shape": [1], "datatype": "FP64", "data": [0.5]} for name in FEATURES]
    body = json.dumps({"id": "1", "inputs": tensors}).encode()
    old = Mark(key, "explain", lambda: START_NS)
    for purpose in (
        {"sidelight-purpose": "explain"},
        Mark(KEY, "explain").of(body),
        Mark(key, "explain").of(body + b" "),
        old.of(body),
    ):
        answer = httpx.post(
            f"{url}/v2/models/{MODEL}/infer", content=body, headers={"ce-id": FORGED} | purpose
        )
        assert answer.status_code == 200
    return 4


@pytest.mark.parametrize(("explanations", "max_body"), [(1000, 4 << 20), (40, 1000)])
def test_explanations_over_http_behind_a_logger_change_no_byte_of_any_detector(
    tmp_path: Path, explanations: int, max_body: int
) -> None:
    """The second time the logger keeps only the beginning of each explainer's question."""
    kept = {"SIDELIGHT_LOGGER__MAX_BODY": str(max_body)}
    with served(model_app()) as model, running(tmp_path, "--upstream", model, **kept) as logger:
        url = f"http://{logger.address('traffic')}"
        settings = load(written(tmp_path, url, {"cache_bytes": 0})).settings
        asked = ask_for_explanations(settings, url, explanations // 20)
        key = probe_key(settings)
        assert key is not None
        strangers = claim_to_be_us(url, key)
        ask_as_a_client(url, 30)
        sent = asked + 2 * (explanations // 20) + strangers + 30
        wait_until(lambda: logger.metric("exchanges_recorded_total") >= sent)
        logger.stop()
    with closing(open_log(settings.log)) as log:
        records = all_records(log)
    exchanges = [from_record(one) for one in records]
    truncated = [one.request.truncated for one in exchanges].count(True)
    assert (truncated > explanations // 20) if max_body == 1000 else (truncated == 0)
    claimed = [n for n, one in enumerate(exchanges) if one.purpose]
    probes = frozenset(n for n in claimed if exchanges[n].correlation_id != FORGED)
    assert (len(probes), len(claimed) - len(probes)) == (asked, strangers)
    assert asked >= explanations // 20
    assert_probes_change_nothing(fitted_plans(settings)[MODEL], records, probes)


def all_records(log: Any) -> list[Record]:
    records: list[Record] = []
    while found := log.read(INFERENCE, 0, len(records)):
        records += [one.record for one in found]
    return records


def test_explanations_over_grpc_change_no_byte_of_any_detector(tmp_path: Path) -> None:
    """The server records each call as a logger would, since ours forwards HTTP only."""
    records: list[Record] = []

    def recording(request: bytes, context: Any) -> bytes:
        table = np.column_stack([one.values for one in v2_grpc.decode_request(request)])
        yes = probability_of_yes(table.astype(np.float64))
        answer = v2_grpc.encode_response(Columns.of(probability=np.column_stack([1 - yes, yes])))
        purpose = dict(context.invocation_metadata()).get("sidelight-purpose", "")
        records.append(to_record(grpc_exchange(len(records), purpose, request, answer)))
        return answer

    with grpc_servers.serving(recording) as server:
        settings = load(written(tmp_path, server.url, {})).settings
        client = open_predictor(MODEL, PredictorSettings(url=server.url))
        (explained,) = filter(None, open_models(settings).values())
        for number in range(40):
            client(inputs(3, number))
            method, opened = next(iter(explained.methods.items()))
            explained.explain(method, opened.settings, inputs(1, number))
        client(inputs(3, 40))
        client.close()
        explained.close()
    probes = frozenset(n for n, one in enumerate(records) if from_record(one).purpose)
    assert len(probes) == 40
    assert_probes_change_nothing(fitted_plans(settings)[MODEL], records, probes)


def grpc_exchange(number: int, purpose: str, request: bytes, answer: bytes) -> Exchange:
    return exchange(
        rows(1, 1),
        number,
        time_ns=time.time_ns(),
        path="/inference.GRPCInferenceService/ModelInfer",
        protocol="grpc",
        purpose=purpose,
        request=Body(request, "application/grpc", size=len(request)),
        response=Body(answer, "application/grpc", size=len(answer)),
    )


def watched_with_key() -> dict[str, WatchedColumns]:
    known = plan()
    keyed = Plan(MODEL, known.fitted, known.service, probes=KEY)
    return {MODEL: WatchedColumns.by(keyed)}


def taken(one: Exchange, is_new: bool = True) -> tuple[str, object]:
    log = MemoryLog()
    log.append(INFERENCE, [to_record(one)])
    (stored,) = log.read(INFERENCE, 0, 0)
    return take(stored, watched_with_key(), lambda _: is_new)


def marked(time_ns: int = START_NS, **changed: Any) -> Exchange:
    plain = exchange(rows(1, 1), **changed)
    return exchange(
        rows(1, 1), **changed, purpose=KEY.header("flip", plain.request.content, time_ns)
    )


@pytest.mark.parametrize(
    ("changed", "model"),
    [
        ({}, MODEL),
        ({"status": 503}, MODEL),
        ({"outcome": "unanswered", "status": 0}, MODEL),
        ({"response": Body(b"not json", size=8)}, MODEL),
        ({"model": "stranger"}, ""),
    ],
)
def test_a_probe_is_left_out_whatever_came_of_it(changed: dict[str, Any], model: str) -> None:
    for is_new in (True, False):
        told, skipped = taken(marked(**changed), is_new)
        assert told == model
        assert isinstance(skipped, Skipped)
        assert skipped.reason == "probe"


@pytest.mark.parametrize(
    ("one", "claim"),
    [
        (marked(START_NS - MAX_AGE_NS - 1), "stale"),
        (exchange(rows(1, 1), purpose="explain"), "forged"),
        (exchange(rows(1, 1), purpose=KEY.header("flip", b"", START_NS)), "forged"),
    ],
)
def test_what_proves_nothing_is_traffic_counted_and_complained_of(
    one: Exchange, claim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, sample = taken(one)
    assert isinstance(sample, Sample)
    assert sample.claim == claim
    log = MemoryLog()
    log.append(INFERENCE, [to_record(one)])
    run = Run(0, watched_with_key(), Marks({}))
    for stored in log.read(INFERENCE, 0, 0):
        run.take(stored)
    assert run.claims == Counter({(MODEL, claim): 1})
    registry = CollectorRegistry()
    metrics = ScorerMetrics(registry, [MODEL])
    metrics.observe(run)
    name = "sidelight_detectors_unproven_probes_total"
    for reason in ("forged", "stale", "unknown"):
        labels = {"model": MODEL, "reason": reason}
        assert registry.get_sample_value(name, labels) == float(reason == claim)
    Complaints([MODEL]).hear(run)
    assert "did not prove it" in capsys.readouterr().out


def test_detectors_make_no_key(tmp_path: Path) -> None:
    settings = load(written(tmp_path, "http://127.0.0.1:1", {})).settings
    place = key_place(settings)
    fitted_plans(settings)
    assert place is not None
    assert not place.exists()
