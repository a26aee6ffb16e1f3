"""The header of a probe: who can write it, what it proves, where its key lies."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.config.settings import PredictorSettings, Settings
from sidelight.errors import ConfigError
from sidelight.events import Body, CloudEvent, Exchange, exchanges
from sidelight.events.dataref import referring
from sidelight.events.halves import exchange_of, half_of
from sidelight.events.kserve import REQUEST_TYPE, pair, to_events
from sidelight.events.records import from_record, to_record
from sidelight.events.store import open_store
from sidelight.predictors import open_predictor
from sidelight.probes import (
    MAX_AGE_NS,
    TRUST_NOBODY,
    Mark,
    ProbeKey,
    key_place,
    mark_of,
    probe_key,
    probe_verifier,
)
from sidelight.protocols.grpc.frames import framed
from sidelight.tensors import Columns
from tests.sidelight import grpc_servers, predictor_servers
from tests.sidelight.test_command import run

KEY = ProbeKey(b"0123456789abcdef0123456789abcdef")
NOW = 1_790_000_000 * 10**9
BODY = b'{"inputs":[]}'
MARK = Mark(KEY, "explain", lambda: NOW)
ROWS = Columns.of(x=np.arange(3.0))


def exchange(purpose: str, body: bytes = BODY, **changed: Any) -> Exchange:
    fields: dict[str, Any] = {
        "id": "1",
        "source": "/test",
        "time_ns": NOW + 1_000_000,
        "duration_ns": 1,
        "method": "POST",
        "path": "/v2/models/m/infer",
        "protocol": "v2",
        "model": "m",
        "version": "",
        "status": 200,
        "outcome": "answered",
        "request": Body(body, "application/json", size=len(body)),
        "response": Body(),
        "purpose": purpose,
    }
    return Exchange(**{**fields, **changed})


def header(body: bytes = BODY, time_ns: int = NOW) -> str:
    return KEY.header("explain", body, time_ns)


def test_who_has_the_key_is_known_and_nobody_else() -> None:
    assert KEY.standing(exchange(header())) == "ours"
    other = ProbeKey(b"another key of a certain length")
    assert other.standing(exchange(header())) == "forged"
    assert TRUST_NOBODY.standing(exchange(header())) == "unknown"


@pytest.mark.parametrize(
    "purpose",
    [
        "explain",
        "",
        "explain;t=1;mac=" + "0" * 64,
        header().replace("explain", "squeeze"),
        header().replace(f"t={NOW}", f"t={NOW + 1}"),
        header() + ", " + header(),
        header() + " ",
        header().upper(),
        "é" * 40,
        f"explain;t={'9' * 40};mac={'0' * 64}",
    ],
)
def test_what_is_not_word_for_word_ours_is_forged(purpose: str) -> None:
    assert KEY.standing(exchange(purpose)) == "forged"


def test_a_header_proves_its_own_body_only() -> None:
    assert KEY.standing(exchange(header(), b'{"inputs":[1]}')) == "forged"
    assert KEY.standing(exchange(header(b""), b"")) == "ours"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_header_is_good_for_five_minutes_around_its_time(sign: int) -> None:
    edge = exchange(header(), time_ns=NOW + sign * MAX_AGE_NS)
    assert KEY.standing(edge) == "ours"
    beyond = exchange(header(), time_ns=NOW + sign * (MAX_AGE_NS + 1))
    assert KEY.standing(beyond) == "stale"


def test_a_body_that_is_cut_or_not_kept_is_known_by_its_hash() -> None:
    digest = sha256(BODY).hexdigest()
    cut = Body(BODY[:3], size=len(BODY), sha256=digest, truncated=True)
    assert KEY.standing(exchange(header(), request=cut)) == "ours"
    assert KEY.standing(exchange(header(), request=replace(cut, sha256=""))) == "forged"
    away = Body(b"", size=len(BODY), sha256=digest)
    assert KEY.standing(exchange(header(), request=away)) == "ours"
    assert KEY.standing(exchange(header(), request=replace(away, sha256="0" * 64))) == "forged"


def test_a_hash_does_not_stand_for_content_that_is_there() -> None:
    claimed = Body(b"other", size=5, sha256=sha256(BODY).hexdigest())
    assert KEY.standing(exchange(header(), request=claimed)) == "forged"


def test_of_grpc_the_message_counts_framed_or_not() -> None:
    message = b"\x0a\x01m"
    for body in (message, framed(message)):
        assert KEY.standing(exchange(header(message), body, protocol="grpc")) == "ours"


def test_kserves_form_carries_the_header_and_the_hash_on() -> None:
    cut = Body(BODY[:3], size=len(BODY), sha256=sha256(BODY).hexdigest(), truncated=True)
    for sent in (exchange(header()), exchange(header(), request=cut)):
        request, response = to_events(sent, NOW)
        found = pair(request, response, exchange_id="2", received_ns=NOW)
        assert (found.purpose, found.request.sha256) == (sent.purpose, sent.request.sha256)
        assert KEY.standing(found) == "ours"


@pytest.mark.parametrize("joined", ["halves", "dataref of halves"])
def test_what_a_joiner_makes_of_kserves_events_is_still_known(joined: str, tmp_path: Path) -> None:
    digest = sha256(BODY).hexdigest()
    sent = exchange(header(), request=Body(BODY, "application/json", size=13, sha256=digest))
    records = [to_record(event) for event in to_events(sent, NOW)]
    if joined == "dataref of halves":
        records[0] = referring(records[0], open_store(tmp_path.as_uri()))
    halves = [half_of(from_record(record)) for record in records]
    found = exchange_of(*halves, exchange_id="2", received_ns=NOW)
    assert KEY.standing(found) == "ours"


def test_kserves_own_logger_passes_the_header_on_as_metadata() -> None:
    event = CloudEvent(
        id="1",
        source="http://localhost:9081/",
        type=REQUEST_TYPE,
        time_ns=NOW,
        extensions={"metadata": json.dumps({"Sidelight-Purpose": [header()]})},
        data=BODY,
    )
    assert KEY.standing(pair(event, None, exchange_id="2", received_ns=NOW)) == "ours"


def test_a_body_in_a_store_need_not_be_fetched(tmp_path: Path) -> None:
    body = Body(BODY, "application/json", size=13, sha256=sha256(BODY).hexdigest())
    record = exchanges.to_record(exchange(header(), request=body))
    found = exchanges.from_record(referring(record, open_store(tmp_path.as_uri())))
    assert found.request.content == b""
    assert KEY.standing(found) == "ours"


@pytest.mark.parametrize(
    "how", [{"protocol": "v1"}, {"protocol": "v2"}, {"protocol": "v2", "tensors": "binary"}]
)
def test_every_call_over_http_is_marked_with_its_own_body(how: dict[str, Any]) -> None:
    with predictor_servers.serving(_refusing) as server:
        settings = PredictorSettings(url=server.url, max_batch_rows=2, retries=1, **how)
        predictor = open_predictor("m", settings, mark=MARK)
        with pytest.raises(Exception, match="answered 503"):
            predictor(ROWS)
        predictor.close()
    assert len(server.requests) >= 2
    for head, body in zip(server.heads, server.requests, strict=True):
        assert KEY.standing(exchange(_purpose_in(head), body)) == "ours"


def test_without_a_mark_nothing_is_said() -> None:
    with predictor_servers.serving(predictor_servers.doubled) as server:
        predictor = open_predictor("m", PredictorSettings(url=server.url))
        predictor(ROWS)
        predictor.close()
    assert b"sidelight-purpose" not in server.heads[0].lower()


@pytest.mark.parametrize("tensors", ["raw", "typed"])
def test_every_call_over_grpc_is_marked_with_its_own_message(tensors: str) -> None:
    told: list[dict[str, str]] = []

    def answer(request: bytes, context: Any) -> bytes:
        told.append(dict(context.invocation_metadata()))
        return grpc_servers.doubled(request, context)

    with grpc_servers.serving(answer) as server:
        settings = PredictorSettings.model_validate(
            {"url": server.url, "tensors": tensors, "max_batch_rows": 2}
        )
        predictor = open_predictor("m", settings, mark=MARK)
        predictor(ROWS)
        predictor.close()
    asked = dict(zip((one["sidelight-purpose"] for one in told), server.requests, strict=True))
    assert len(asked) == 2
    # The two parts may be answered in another order than they were kept in.
    for purpose in asked:
        standings = [
            KEY.standing(exchange(purpose, framed(body), protocol="grpc"))
            for body in server.requests
        ]
        assert sorted(standings) == ["forged", "ours"]


def test_the_key_is_made_once_beside_the_log_for_its_owner_only(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    place = tmp_path / "sidelight.db.probe-key"
    assert key_place(settings) == place
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: probe_key(settings), range(64)))
    assert len(keys) == 1
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_who_verifies_makes_no_key_and_finds_one_that_comes_later(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    verifier = probe_verifier(settings)
    assert verifier.standing(exchange(header())) == "unknown"
    assert not list(tmp_path.iterdir())
    mark = mark_of(settings, PredictorSettings(url="http://127.0.0.1:1"), "explain")
    assert mark is not None
    marked = mark.key.header("explain", BODY, NOW)
    assert verifier.standing(exchange(marked)) == "ours"
    assert verifier.standing(exchange(header())) == "forged"


def test_a_key_that_cannot_be_read_hides_no_traffic(tmp_path: Path) -> None:
    (tmp_path / "sidelight.db.probe-key").write_text("short\n")
    verifier = probe_verifier(settings_of(tmp_path))
    assert verifier.standing(exchange(header())) == "unknown"


def test_a_key_file_is_shared_whatever_the_log(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    settings = Settings.model_validate(
        {"log": "kafka://broker:9092/watch", "probes": {"key_file": str(file)}}
    )
    assert probe_key(settings) == KEY
    assert probe_verifier(settings).standing(exchange(header())) == "ours"


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read: No such file"), ("short\n", "holds 5 characters, a key has 16")],
)
def test_a_key_file_of_no_use_is_refused(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
    settings = Settings.model_validate({"probes": {"key_file": str(file)}})
    for use in (probe_key, probe_verifier):
        with pytest.raises(ConfigError, match=told):
            use(settings)


def test_on_kafka_there_is_no_key_unless_one_is_set(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.model_validate({"log": "kafka://broker:9092/watch"})
    assert probe_key(settings) is None
    assert "set probes.key_file" in caplog.text
    assert probe_verifier(settings) is TRUST_NOBODY


def test_a_log_whose_folder_cannot_be_written_has_no_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings = Settings.model_validate({"log": str(tmp_path / "file" / "log")})
    assert probe_key(settings) is None
    assert "cannot be made" in caplog.text


def test_a_model_in_this_process_needs_no_mark(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert mark_of(settings, PredictorSettings(model=tmp_path / "m.onnx"), "explain") is None
    assert mark_of(settings, None, "explain") is None
    assert not list(tmp_path.iterdir())


def test_check_tells_where_the_key_lies_where_somebody_asks(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("x\n1\n")
    model = (
        'm: {reference: r.csv, predictor: {url: "http://127.0.0.1:1"}, explainers: {shapley: {}}}'
    )
    for log, told in [
        ("sidelight.db", "known by the key in sidelight.db.probe-key"),
        ("kafka://broker:9092/watch", "count as traffic: set probes.key_file"),
    ]:
        (tmp_path / "sidelight.yaml").write_text(f"log: {log}\nmodels: {{{model}}}\n")
        assert told in run("check", cwd=tmp_path).stdout
    (tmp_path / "sidelight.yaml").write_text("probes: {key_file: nowhere}\n")
    ended = run("check", cwd=tmp_path)
    assert ended.returncode == 2
    assert "probes.key_file: there is no file nowhere" in ended.stderr


def settings_of(folder: Path) -> Settings:
    return Settings.model_validate({"log": str(folder / "sidelight.db")})


def _refusing(connection: Any, _body: bytes) -> None:
    predictor_servers.respond(connection, 503, b"busy")


def _purpose_in(head: bytes) -> str:
    lines = head.decode().split("\r\n")
    (found,) = (line for line in lines if line.lower().startswith("sidelight-purpose: "))
    return found.partition(": ")[2]
