"""Levels, samples, limits and rules: what of an exchange reaches the record, and the disk."""

from __future__ import annotations

import gzip
import hashlib
import logging
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from sidelight.config.settings import LogSettings, Settings
from sidelight.events import Exchange
from sidelight.events.exchanges import from_record, to_record
from sidelight.events.sampling import share_of
from sidelight.log import open_log, topics
from sidelight_logger.metrics.proxy import Snapshots
from sidelight_logger.metrics.recorder import RecorderMetrics
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.policy.kept import Kept
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.batch import Batch
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.recorder.intake import Intake
from sidelight_logger.wire import tally
from sidelight_logger.wire.captures import Capture
from tests.logger.captures import capture, sample

ORIGIN = Origin("http://localhost:9081/", "log-1", {"namespace": "prod"})
SECRET = "4111-1111-1111-1111"
ROWS = orjson.dumps({"instances": [{"age": 43, "card": SECRET}]})
INPUTS = orjson.dumps(
    {"inputs": [{"name": "card", "shape": [1], "datatype": "BYTES", "data": [SECRET]}]}
)


def policies(**said: Any) -> Policy:
    return policy_of(Settings.model_validate(said))


def kept(one: Capture, rules: Policy) -> Kept:
    exchange = describe(one, 7, ORIGIN)
    assert exchange is not None
    return rules.kept(exchange)


def written(one: Capture, rules: Policy) -> Exchange:
    exchange = kept(one, rules).exchange
    assert exchange is not None
    return from_record(to_record(exchange))


def test_nothing_is_kept_at_the_level_none() -> None:
    one = kept(capture(), policies(logger={"capture": "none"}))
    assert (one.exchange, one.left_out) == (None, "none")


def test_metadata_keeps_sizes_and_hashes_of_bodies() -> None:
    one = written(capture(body=ROWS), policies(logger={"capture": "metadata"}))
    assert (one.request.content, one.request.size) == (b"", len(ROWS))
    assert one.request.sha256 == hashlib.sha256(ROWS).hexdigest()
    assert one.status == 200


def test_no_hash_is_kept_of_a_body_that_rules_are_about() -> None:
    said = {"capture": "metadata", "redact": {"columns": {"card": "drop"}}}
    assert written(capture(body=ROWS), policies(logger=said)).request.sha256 == ""


def test_a_model_says_field_by_field_what_is_otherwise() -> None:
    said = {
        "logger": {"capture": {"level": "metadata", "max_body": 5}},
        "models": {"income": {"capture": {"level": "full"}}},
    }
    one = written(capture(body=ROWS), policies(**said)).request
    assert (one.content, one.truncated, one.size) == (ROWS[:5], True, len(ROWS))
    assert one.sha256 == hashlib.sha256(ROWS).hexdigest()


def test_a_limit_cuts_what_redaction_left_and_hashes_that() -> None:
    rules = policies(logger={"capture": {"max_body": 20}, "redact": {"columns": {"card": "drop"}}})
    one = written(capture("/v1/models/m:predict", body=ROWS), rules).request
    whole = b'{"instances":[{"age":43}]}'
    assert (one.content, one.truncated) == (whole[:20], True)
    assert one.sha256 == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_sample_is_chosen_by_the_id_alone(share: float) -> None:
    rules = policies(logger={"capture": {"sample": share}})
    captures = [capture() for _ in range(400)]
    first = [kept(one, rules).exchange is not None for one in captures]
    assert first == [kept(one, rules).exchange is not None for one in captures]
    assert sum(first) == pytest.approx(400 * share, abs=45)


def test_errors_have_a_sample_of_their_own_and_clients_cannot_choose() -> None:
    rules = policies(logger={"capture": {"sample": 0.0, "sample_errors": 1.0}})
    assert kept(capture(), rules).left_out == "sampled"
    assert kept(capture(status=500), rules).exchange is not None
    assert kept(capture(answer=None, outcome="unanswered"), rules).exchange is not None
    rules = policies(logger={"capture": {"sample": 0.5}})
    chosen = next(f"r-{n}" for n in range(99) if share_of(f"r-{n}") >= 0.5)
    found = [kept(capture(headers={"X-Request-Id": chosen}), rules).left_out for _ in range(60)]
    assert 10 < found.count("sampled") < 50
    rules = policies(logger={"capture": {"sample": 0.5, "sample_by": "correlation"}})
    found = [kept(capture(headers={"X-Request-Id": chosen}), rules).left_out for _ in range(9)]
    assert found == ["sampled"] * 9


@pytest.mark.parametrize(
    "path",
    ["/v1/models/other:predict", "/v1/models/INCOME:predict", "/v1/chat/completions", "/x"],
)
def test_nobody_evades_a_models_rules_by_another_path(path: str) -> None:
    rules = policies(
        models={
            "income": {"redact": {"columns": {"card": "drop"}}},
            "age": {"redact": {"paths": ["$.a"], "patterns": ["4111"]}},
        }
    )
    record = to_record(written(capture(path, body=ROWS, answer=ROWS), rules))
    assert SECRET.encode() not in record.value + repr(record.headers).encode()


def test_the_lowest_level_holds_for_a_request_that_names_no_model() -> None:
    rules = policies(models={"income": {"capture": "metadata"}, "age": {}})
    assert written(capture("/x", body=ROWS), rules).request.content == b""
    path = "/v1/models/age:predict"
    assert written(capture(path, body=ROWS), rules).request.content == ROWS


def test_models_that_differ_about_a_column_agree_on_dropping_it() -> None:
    redact = {"a": {"columns": {"card": {"mask": "x"}}}, "b": {"columns": {"CARD": "drop"}}}
    rules = policies(models={name: {"redact": one} for name, one in redact.items()})
    one = written(capture("/v1/models/c:predict", body=ROWS), rules).request
    assert orjson.loads(one.content) == {"instances": [{"age": 43}]}


@pytest.mark.parametrize("verb", ["explain", "infer"])
def test_an_explanation_holds_columns_that_cannot_be_found(verb: str) -> None:
    rules = policies(
        models={
            "income": {
                "features": {"age": "numeric", "card": "categorical"},
                "redact": {"columns": {"card": "drop"}},
            }
        }
    )
    text = orjson.dumps({"raw": SECRET}).decode()
    tensor = {"name": "explanation", "shape": [1], "datatype": "BYTES", "data": [text]}
    answer = orjson.dumps({"outputs": [tensor]})
    one = kept(capture(f"/v2/models/income/{verb}", body=INPUTS, answer=answer), rules)
    assert one.exchange is not None
    assert orjson.loads(one.exchange.request.content or b"{}").get("inputs", []) == []
    if verb == "explain":
        assert one.exchange.response.content == b""
        assert dict(one.withheld)["response"] == "form"


def test_a_question_of_ours_stays_provable_under_rules() -> None:
    rules = policies(logger={"redact": {"columns": {"card": "drop"}, "patterns": ["[0-9]{16}"]}})
    purpose = f"explain;t=1790000000000000000;mac={'1' * 64}"
    one = written(capture(body=INPUTS, headers={"Sidelight-Purpose": purpose}), rules)
    assert one.request.sha256 == hashlib.sha256(INPUTS).hexdigest()
    assert one.purpose == purpose
    assert SECRET.encode() not in one.request.content


def test_patterns_hold_for_every_text_that_a_client_may_fill() -> None:
    rules = policies(logger={"headers": ["x-note"], "redact": {"patterns": ["4111[-0-9]*"]}})
    headers = {
        "X-Request-Id": SECRET,
        "X-Note": f"of {SECRET}",
        "Traceparent": SECRET,
        "Tracestate": f"a={SECRET}",
        "Sidelight-Purpose": SECRET,
        "Content-Type": f"application/json; a={SECRET}",
        "Content-Encoding": SECRET,
    }
    one = capture(f"/v2/models/{SECRET}/infer", method=f"A{SECRET}", headers=headers, body=INPUTS)
    answer = replace(one.response, body=INPUTS, size=len(INPUTS))
    exchange = written(replace(one, response=answer), rules)
    record = to_record(exchange)
    assert b"4111" not in record.value + repr(record.headers).encode()
    assert exchange.headers == {"x-note": "of ***"}


class _Recorder:
    """An intake with a real log, and what is shown of it."""

    def __init__(self, folder: Path, rules: Policy) -> None:
        self.folder = folder / "log"
        self.log = open_log(LogSettings(url=str(self.folder)))
        self.registry = CollectorRegistry()
        self.metrics = RecorderMetrics(self.registry)
        self.batch = Batch(self.log, self.metrics)
        snapshots = Snapshots(tally.private())
        numbers = iter(range(1, 10_000)).__next__
        self.intake = Intake(self.batch, ORIGIN, rules, numbers, self.metrics, snapshots)

    def files(self) -> bytes:
        """Read by another process: to close a file of SQLite's here would drop its locks."""
        found = subprocess.run(
            ["find", str(self.folder), "-type", "f", "-exec", "cat", "{}", "+"],
            capture_output=True,
            check=True,
        )
        return found.stdout


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[_Recorder]:
    said = {
        "logger": {"headers": ["x-note"], "redact": {"patterns": ["4111[-0-9]+"]}},
        "models": {"income": {"redact": {"columns": {"card": "drop"}}}},
    }
    one = _Recorder(tmp_path, policies(**said))
    yield one
    one.log.close()


def test_no_raw_value_is_found_on_the_disk_in_metrics_or_logs(
    recorder: _Recorder, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    bodies = [
        ROWS,
        INPUTS,
        ROWS[:-3],
        SECRET.encode(),
        b"\x00\x00\x00\x00\x05" + SECRET.encode(),
        orjson.dumps([SECRET]),
        orjson.dumps({"error": SECRET}),
    ]
    paths = ["/v1/models/income:predict", "/v2/models/income/infer", "/v2/models/x/infer"]
    paths += ["/inference.GRPCInferenceService/ModelInfer", "/chat", f"/{SECRET}"]
    for path in paths:
        for content in bodies:
            headers = {"Authorization": SECRET, "X-Note": SECRET, "X-Request-Id": SECRET}
            one = capture(path, headers=headers, body=content, answer=content, status=422)
            recorder.intake.take(one)
            cut = replace(one, request=replace(one.request, size=len(content) + 1))
            recorder.intake.take(cut)
    recorder.batch.append()
    shown = generate_latest(recorder.registry) + caplog.text.encode()
    shown += "".join(capfd.readouterr()).encode()
    for text in (SECRET.encode(), SECRET[:9].encode()):
        assert text not in recorder.files()
        assert text not in shown
    assert recorder.log.span(topics.INFERENCE, 0).end == 2 * len(paths) * len(bodies)
    for reason in ("truncated", "malformed", "form"):
        assert sample(recorder.registry, "bodies_withheld_total", side="request", reason=reason) > 0


def test_the_recorders_account_holds_with_what_policy_leaves_out(tmp_path: Path) -> None:
    said = {"models": {"income": {"capture": "none"}, "age": {"capture": {"sample": 0.5}}}}
    recorder = _Recorder(tmp_path, policies(**said))
    for _ in range(20):
        recorder.intake.take(capture("/v2/models/income/infer"))
        recorder.intake.take(capture("/v2/models/age/infer"))
    recorder.batch.append()
    counts = {
        "none": sample(recorder.registry, "left_out_total", reason="none"),
        "sampled": sample(recorder.registry, "left_out_total", reason="sampled"),
        "recorded": sample(recorder.registry, "exchanges_recorded_total"),
    }
    recorder.log.close()
    assert counts["none"] == 20
    assert 1 < counts["sampled"] < 19
    assert sum(counts.values()) == sample(recorder.registry, "captures_received_total") == 40


def test_a_model_is_known_by_the_name_its_server_gives_it() -> None:
    predictor = {"url": "http://127.0.0.1:1", "protocol": "v1", "name": "served"}
    rules = policies(models={"income": {"capture": "none", "predictor": predictor}, "b": {}})
    assert kept(capture("/v1/models/served:predict"), rules).left_out == "none"
    assert kept(capture("/v1/models/b:predict"), rules).exchange is not None


@pytest.mark.parametrize("limit", [None, 50, 0])
def test_no_body_is_longer_than_the_loggers_own_limit(limit: int | None) -> None:
    rules = policies(logger={"max_body": 10, "capture": {"max_body": limit}})
    one = written(capture(body=b"x" * 40), rules).request
    assert (len(one.content), one.truncated) == (0 if limit == 0 else 10, True)


def test_a_text_that_broke_off_is_not_kept_under_a_pattern() -> None:
    rules = policies(logger={"redact": {"patterns": ["4111-1111-1111-1111"]}})
    headers = {"Content-Type": "text/plain"}
    one = capture("/x", body=b"card 4111-1111-11", headers=headers, answer=None)
    found = kept(replace(one, outcome="abandoned"), rules)
    assert found.exchange is not None
    assert found.exchange.request.content == b""
    assert found.withheld == (("request", "truncated"),)


def test_a_bomb_is_not_decoded_beyond_the_loggers_own_limit() -> None:
    said = {"max_body": 10_000, "redact": {"columns": {"card": "drop"}}}
    bomb = gzip.compress(b'{"instances":[' + b" " * 100_000 + b"]}")
    headers = {"Content-Encoding": "gzip"}
    one = capture("/v1/models/m:predict", body=bomb, headers=headers)
    assert kept(one, policies(logger=said)).withheld[0] == ("request", "limit")
