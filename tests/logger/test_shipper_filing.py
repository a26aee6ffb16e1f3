"""Files of exchanges: KServe's layout and records, our own rows, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow.parquet as pq
import pytest

from sidelight.config.settings import SinkSettings
from sidelight.events import CloudEvent, Exchange, records
from sidelight.events.exchange import Body
from sidelight.events.exchanges import to_record
from sidelight.log import open_log, topics
from sidelight.log.contract import Address, Log, Stored
from sidelight_logger.parts import SHIPPER, Part
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.shipper.carrying.carrier import Carrier
from sidelight_logger.shipper.carrying.fates import SinkFailed
from sidelight_logger.shipper.carrying.letters import Letters
from sidelight_logger.shipper.carrying.patience import Backoff, Patience
from sidelight_logger.shipper.files.filing import Filing
from sidelight_logger.shipper.files.logrequests import COLUMNS
from sidelight_logger.shipper.files.places import Folder, place_at
from sidelight_logger.shipper.files.rows import folder_of, rows
from sidelight_logger.shipper.files.tables import to_bytes
from tests.logger.captures import ANSWER, capture
from tests.logger.carrying import at_work, caught_up
from tests.logger.sinks import wait_until

NAMES = {"inferenceservicename": "income", "namespace": "ns", "component": "predictor"}


def exchange(number: int = 1, **changes: Any) -> Exchange:
    one = capture(headers={"Ce-Id": f"e{number:05d}"}, body=b'{"n":%d}' % number)
    found = describe(one, number, Origin("http://localhost:9081/", "me", NAMES))
    assert found is not None
    return replace(found, **{"headers": {}, **changes})


def stored(one: Exchange) -> Stored:
    return Stored(Address(topics.INFERENCE, 0, 0), to_record(one), 1_790_000_001 * 10**9)


def sink(folder: Path | str = "/nowhere", form: str = "kserve", **files: Any) -> SinkSettings:
    url = folder if isinstance(folder, str) and "://" in folder else f"file://{folder}"
    return SinkSettings.model_validate({"url": url, "form": form, "files": files})


def fill(log: Log, exchanges: Sequence[Exchange]) -> None:
    log.append(topics.INFERENCE, [to_record(one) for one in exchanges])


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@contextmanager
def carrying(log: Log, settings: SinkSettings) -> Iterator[Carrier]:
    """A shipper in a thread, stopped at the end."""
    stop = Event()
    membership = log.join("shipper-test", topics.INFERENCE)
    delivery = Filing(place_at("logger.sinks.s.url", settings.url), settings)
    patience = Patience("sink", stop, 5.0, Backoff(0.001, 0.01))
    carrier = Carrier("sink", log, membership, delivery, Letters("sink", log), patience)
    with at_work(carrier, stop, membership):
        yield carrier


def test_each_half_is_a_file_where_kserve_puts_it(log: Log, tmp_path: Path) -> None:
    ones = [exchange(number) for number in range(1, 4)]
    fill(log, ones)
    with carrying(log, sink(tmp_path / "out", path="logger")) as carrier:
        caught_up(log, carrier)
    found = files_in(tmp_path / "out")
    halves = ("request", "response")
    wanted = {f"ns/income/predictor/logger/{o.id}-{half}.json" for o in ones for half in halves}
    assert found.keys() == wanted
    assert carrier.stats().delivered == 3


def test_a_json_record_is_as_kserves_agent_writes_it() -> None:
    """The text is what Go's encoding/json made of the same LogRequest."""
    golden = json.loads(
        '{"url":{"Scheme":"s3","Opaque":"","User":null,"Host":"bucket","Path":"/prefix","Fragment"'
        ':"","RawQuery":"","RawPath":"","RawFragment":"","ForceQuery":false,"OmitHost":false},'
        '"bytes":"eyJhIjoxfQ==","contentType":"application/json","reqType":'
        '"org.kubeflow.serving.inference.request","id":"0123","sourceUri":{"Scheme":"http",'
        '"Opaque":"","User":null,"Host":"localhost:9081","Path":"/","Fragment":"","RawQuery":"",'
        '"RawPath":"","RawFragment":"","ForceQuery":false,"OmitHost":false},"inferenceService":'
        '"income","namespace":"ns","component":"predictor","metadata":{"X-A":["b"]},"annotations":'
        '{"k":"v"},"certName":"service-ca.crt","occurrenceTime":"2026-09-21T14:13:20.001500000Z"}'
    )
    one = exchange(
        correlation_id="0123",
        time_ns=1_790_000_000 * 10**9 + 1_500_000,
        headers={"x-a": "b"},
        extensions={**NAMES, "annotations": '{"k":"v"}'},
        request=Body(b'{"a":1}', "application/json", size=7),
    )
    to_bucket = sink("s3://bucket/prefix").model_copy(
        update={"ca_file": Path("/etc/tls/logger/service-ca.crt")}
    )
    request, response = rows(stored(one), to_bucket)
    assert request.fields == golden
    assert response.fields["reqType"].endswith(".response")
    assert b64decode(response.fields["bytes"]) == ANSWER


def test_a_csv_file_is_as_kserves_agent_writes_it() -> None:
    """The lines are what the agent of KServe 0.17 put to a bucket for the same request."""
    golden = (
        "url,bytes,contentType,reqType,id,sourceUri,inferenceService,namespace,component,endpoint,"
        "metadata,annotations,certName,tlsSkipVerify\ns3://bucket/prefix,eyJpbnN0YW5jZXMiOltbMV1d"
        "fQ==,application/json,org.kubeflow.serving.inference.request,abc,http://localhost:9081/,"
        'income,ns,predictor,,"{""X-Request-Id"":[""r1""]}",,service-ca.crt,false\n'
    )
    body = b'{"instances":[[1]]}'
    one = exchange(
        correlation_id="abc",
        headers={"x-request-id": "r1"},
        request=Body(body, "application/json", size=len(body)),
    )
    to_bucket = sink("s3://bucket/prefix", format="csv").model_copy(
        update={"ca_file": Path("/etc/tls/logger/service-ca.crt")}
    )
    request, _ = rows(stored(one), to_bucket)
    assert to_bytes([request.fields], "csv").decode() == golden


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/test", {"Path": "/test"}),
        ("urn:x:y", {"Scheme": "urn", "Opaque": "x:y"}),
        (
            "http://h/a%20b/c%2Fd?x=1#frag",
            {
                **{"Scheme": "http", "Host": "h", "Path": "/a b/c/d", "Fragment": "frag"},
                **{"RawQuery": "x=1", "RawPath": "/a%20b/c%2Fd"},
            },
        ),
        ("http://u:p@h/", {"Scheme": "http", "User": {}, "Host": "h", "Path": "/"}),
    ],
)
def test_a_url_is_told_as_go_tells_it(source: str, told: Mapping[str, Any]) -> None:
    [request, _] = rows(stored(exchange(source=source)), sink())
    empty = dict.fromkeys(("Scheme", "Opaque", "Host", "Path", "Fragment", "RawQuery"), "")
    flags = {"RawPath": "", "RawFragment": "", "ForceQuery": False, "OmitHost": False}
    assert request.fields["sourceUri"] == {**empty, **flags, "User": None, **told}


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_batch_is_a_table_with_kserves_columns(log: Log, tmp_path: Path, format_: str) -> None:
    ones = [exchange(number) for number in range(1, 6)]
    fill(log, ones)
    settings = sink(tmp_path / "out", format=format_, batch_records=10)
    with carrying(log, settings) as carrier:
        caught_up(log, carrier)
    [(name, content)] = files_in(tmp_path / "out").items()
    assert name == f"ns/income/predictor/{ones[0].id}-request.{format_}"
    if format_ == "csv":
        table = list(csv.DictReader(io.StringIO(content.decode())))
        assert {row["tlsSkipVerify"] for row in table} == {"false"}
    else:
        table = pq.read_table(io.BytesIO(content)).to_pylist()
        assert {row["tlsSkipVerify"] for row in table} == {False}
    assert [tuple(row) for row in table] == [COLUMNS] * 10
    assert [row["id"] for row in table] == [f"e{n:05d}" for n in range(1, 6) for _ in range(2)]
    assert b64decode(table[0]["bytes"]) == b'{"n":1}'
    assert json.loads(table[0]["metadata"]) == {}


def test_a_batch_in_json_is_an_array(log: Log, tmp_path: Path) -> None:
    fill(log, [exchange(number) for number in range(1, 4)])
    with carrying(log, sink(tmp_path / "out", batch_records=4, batch_seconds=0.2)) as carrier:
        caught_up(log, carrier)
    sizes = [len(json.loads(content)) for content in files_in(tmp_path / "out").values()]
    assert sorted(sizes) == [2, 4]


def test_a_batch_waits_until_it_is_full(log: Log, tmp_path: Path) -> None:
    fill(log, [exchange(1)])
    with carrying(log, sink(tmp_path / "out", batch_records=4, batch_seconds=3600)) as carrier:
        wait_until(lambda: carrier.stats().waiting == 1)
        fill(log, [exchange(2)])
        caught_up(log, carrier)
        assert len(files_in(tmp_path / "out")) == 1


def test_a_stop_writes_the_batch_that_is_there(log: Log, tmp_path: Path) -> None:
    fill(log, [exchange(1)])
    with carrying(log, sink(tmp_path / "out", batch_records=100, batch_seconds=3600)) as carrier:
        wait_until(lambda: carrier.stats().waiting == 1)
    assert len(files_in(tmp_path / "out")) == 1
    assert carrier.stats().delivered == 1


@pytest.mark.parametrize("format_", ["json", "csv", "parquet"])
def test_our_own_form_is_one_row_an_exchange(log: Log, tmp_path: Path, format_: str) -> None:
    one = exchange(7, status=503)
    fill(log, [one])
    feedback = CloudEvent("f1", "/client", "feedback", extensions={"modelname": "m"}, data=b"1")
    log.append(topics.INFERENCE, [records.to_record(feedback)])
    settings = sink(tmp_path / "out", "exchange", format=format_, batch_records=10)
    with carrying(log, settings) as carrier:
        caught_up(log, carrier)
    found = files_in(tmp_path / "out")
    assert found.keys() == {
        f"ns/income/predictor/{one.id}-exchange.{format_}",
        f"f1-event.{format_}",
    }
    content = found[f"ns/income/predictor/{one.id}-exchange.{format_}"]
    if format_ == "json":
        row = json.loads(content)
    elif format_ == "csv":
        [row] = csv.DictReader(io.StringIO(content.decode()))
    else:
        [row] = pq.read_table(io.BytesIO(content)).to_pylist()
    assert (row["id"], str(row["status"]), row["model"]) == (one.id, "503", "income")
    body = row["response"] if format_ == "parquet" else b64decode(row["response"])
    assert body == ANSWER
    assert json.loads(row["extensions"]) == NAMES


@pytest.mark.parametrize("id_", ["../../x", "a/b", "", "ü" * 200, ".", "x" * 500])
@pytest.mark.parametrize("name", ["..", "../..", "a/b", "."])
def test_no_name_from_outside_leads_out_of_the_folder(tmp_path: Path, id_: str, name: str) -> None:
    names = {"namespace": name, "inferenceservicename": name, "component": name}
    event = CloudEvent(id_ or "x", "/s", "feedback", extensions=names, data=b"1")
    one = Stored(Address(topics.INFERENCE, 0, 0), records.to_record(event), 1)
    settings = sink(tmp_path / "in" / "side")
    Filing(Folder(tmp_path / "in" / "side"), settings)
    [row] = rows(one, settings)
    Folder(tmp_path / "in" / "side").put({f"{row.folder}/{row.name}.json": b"{}"})
    [path] = files_in(tmp_path)
    assert path.startswith("in/side/")
    assert len(Path(path).parts) == 6
    assert folder_of({}, settings) == ""


def test_annotations_that_are_none_cost_a_dead_letter(log: Log, tmp_path: Path) -> None:
    fill(log, [exchange(1, extensions={**NAMES, "annotations": "no json"}), exchange(2)])
    with carrying(log, sink(tmp_path / "out")) as carrier:
        caught_up(log, carrier)
    assert (carrier.stats().delivered, carrier.stats().dead_lettered) == (1, 1)


def test_numbers_that_no_column_holds_harm_nobody(tmp_path: Path) -> None:
    one = exchange(1, duration_ns=10**20 - 1, request=Body(b"", size=10**20 - 1))
    [row] = rows(stored(one), sink(form="exchange", format="parquet"))
    assert (row.fields["durationns"], row.fields["requestsize"]) == (2**63 - 1, 2**63 - 1)


def test_a_folder_that_cannot_be_written_is_waited_for(log: Log, tmp_path: Path) -> None:
    blocked = tmp_path / "out"
    blocked.write_text("a file where the folder should be")
    fill(log, [exchange(1)])
    with carrying(log, sink(blocked)) as carrier:
        wait_until(lambda: carrier.stats().failures["store"] > 2)
        assert "out" in carrier.stats().trouble
        blocked.unlink()
        caught_up(log, carrier)
    assert len(files_in(blocked)) == 2


def test_what_is_written_again_is_the_same_file(log: Log, tmp_path: Path) -> None:
    fill(log, [exchange(number) for number in range(1, 30)])
    settings = sink(tmp_path / "out", batch_records=10, batch_seconds=0.1)
    with carrying(log, settings) as carrier:
        caught_up(log, carrier)
    before = files_in(tmp_path / "out")
    found = log.read(topics.INFERENCE, 0, 0)
    delivery = Filing(Folder(tmp_path / "out"), settings)
    patience = Patience("s", Event(), 1.0)
    for start in range(0, len(found), delivery.at_once):
        list(delivery.deliver(found[start : start + delivery.at_once], patience))
    assert files_in(tmp_path / "out") == before


def test_a_bucket_takes_the_same_files_as_a_folder(tmp_path: Path) -> None:
    """fsspec's memory is one of its file systems."""
    found = [stored(exchange(number)) for number in range(1, 4)]
    patience = Patience("s", Event(), 1.0)
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    url = f"memory://{tmp_path.name}/deep"
    list(Filing(place_at("x", url), sink(url)).deliver(found, patience))
    names = memory.find(f"/{tmp_path.name}")
    list(Filing(Folder(tmp_path), sink(tmp_path)).deliver(found, patience))
    assert {name.removeprefix(f"/{tmp_path.name}/deep/") for name in names} == set(
        files_in(tmp_path)
    )


def test_a_bucket_that_fails_is_a_failure() -> None:
    pytest.importorskip("fsspec")
    place = place_at("x", "memory:///")

    class Broken:
        async_impl = True

        def pipe(self, files: Mapping[str, bytes]) -> None:
            raise RuntimeError("no connection")

    place._files = Broken()  # type: ignore[attr-defined]
    with pytest.raises(SinkFailed, match="no connection") as caught:
        place.put({"a": b"1"})
    assert caught.value.reason == "store"


def test_a_killed_shipper_leaves_whole_files_and_its_successor_the_rest(tmp_path: Path) -> None:
    url, out = str(tmp_path / "log"), tmp_path / "out"
    with closing(open_log(url)) as log:
        ones = [exchange(number) for number in range(1, 801)]
        fill(log, ones)
    wanted = {f"ns/income/predictor/{o.id}-{k}.json" for o in ones for k in ("request", "response")}
    for least in (50, 500, len(wanted)):
        process = shipper(tmp_path, url, f"file://{out}")
        wait_until(lambda least=least: whole(out) >= least, "files", 60)  # type: ignore[misc]
        process.kill()
        process.wait()
        for name, content in files_in(out).items():
            assert json.loads(content) if not name.endswith(".part") else True
    assert {name for name in files_in(out) if not name.endswith(".part")} == wanted


def whole(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*.json"))


def shipper(folder: Path, log_url: str, sink_url: str) -> subprocess.Popen[bytes]:
    flags = {"log.url": log_url, "logger.sinks.s.url": sink_url, "logger.upstream": "http://h:1"}
    part = Part(None, str(folder / "none"), "127.0.0.1:1", "/test", 5.0, flags, route="s")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(part.command(SHIPPER), env=environ, cwd=folder)
