"""Bodies that lie in a store: written before the event, read only from the store, verified."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from sidelight.errors import ConfigError, MalformedPayload, MissingExtra, StoreUnreachable
from sidelight.events import Body, Exchange
from sidelight.events.dataref import DATAREF, DATASHA256, is_elsewhere, referring, whole
from sidelight.events.exchanges import from_record, to_record
from sidelight.events.store import PatientStore, Store, open_store
from sidelight.log.contract import Record

EXCHANGE = Exchange(
    id="0199-1",
    source="/test",
    time_ns=1_790_000_000 * 10**9,
    duration_ns=1,
    method="POST",
    path="/v2/models/m/infer",
    protocol="v2",
    model="m",
    version="",
    status=200,
    outcome="answered",
    request=Body(b"q" * 5000, "application/json", size=5000),
    response=Body(b"r" * 70, size=900, truncated=True),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"file://{tmp_path}/bodies")


def named(**extensions: str) -> Exchange:
    return replace(EXCHANGE, request=Body(), response=Body(), extensions=extensions)


def test_an_exchange_comes_back_whole_from_its_reference(store: Store) -> None:
    record = referring(to_record(EXCHANGE), store)
    assert record.value == b""
    found = from_record(record)
    assert is_elsewhere(found)
    again = whole(found, store)
    assert (again.request, again.response) == (EXCHANGE.request, EXCHANGE.response)
    assert replace(again, extensions={}) == EXCHANGE


def test_what_has_its_bodies_needs_no_store() -> None:
    assert whole(EXCHANGE, None) is EXCHANGE


def test_the_reference_is_a_legal_event_for_the_sdk(store: Store) -> None:
    record = referring(to_record(EXCHANGE), store)
    event = from_binary(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat())
    address = str(event.get_extension(DATAREF))
    data = Path(address.removeprefix("file://")).read_bytes()
    assert data == to_record(EXCHANGE).value
    assert event.get_extension(DATASHA256) == hashlib.sha256(data).hexdigest()
    assert "/20260921/" in address


def test_data_put_twice_is_written_once_and_a_torn_write_is_mended(store: Store) -> None:
    record = referring(to_record(EXCHANGE), store)
    path = Path(dict(record.headers)["ce_dataref"].decode().removeprefix("file://"))
    first = path.stat().st_mtime_ns
    referring(to_record(EXCHANGE), store)
    assert path.stat().st_mtime_ns == first
    path.write_bytes(b"half")
    referring(to_record(EXCHANGE), store)
    assert whole(from_record(record), store).request == EXCHANGE.request


@pytest.mark.parametrize(
    "lead",
    [
        lambda url, digest: f"file:///etc/{digest}",
        lambda url, digest: f"{url}/../20260921/{digest}",
        lambda url, digest: f"{url}/20260921/../20260921/{digest}",
        lambda url, digest: f"{url}/20260921/{digest}/../{digest}",
        lambda url, digest: f"{url}x/20260921/{digest}",
        lambda url, digest: f"{url}/20260921/{digest}\n",
        lambda url, digest: f"{url}/20260921/{digest}?versionId=1",
        lambda url, digest: f"/20260921/{digest}",
        lambda url, digest: f"http://elsewhere/20260921/{digest}",
        lambda url, digest: f"simplecache::{url}/20260921/{digest}",
        lambda url, digest: "",
    ],
)
def test_a_reference_out_of_the_store_is_not_followed(
    store: Store, lead: Callable[[str, str], str]
) -> None:
    record = referring(to_record(EXCHANGE), store)
    digest = dict(record.headers)["ce_datasha256"].decode()
    found = named(**{DATAREF: lead(store.url, digest), DATASHA256: digest})
    with pytest.raises(MalformedPayload, match="not followed"):
        whole(found, store)


def test_other_data_and_data_without_its_hash_are_refused(store: Store) -> None:
    record = referring(to_record(EXCHANGE), store)
    found = from_record(record)
    reference = found.extensions[DATAREF]
    with pytest.raises(MalformedPayload, match="other data"):
        whole(named(**{DATAREF: reference}), store)
    Path(reference.removeprefix("file://")).write_bytes(b"forged")
    with pytest.raises(MalformedPayload, match="other data"):
        whole(found, store)


def test_a_reference_without_a_store_names_the_setting(store: Store) -> None:
    with pytest.raises(MalformedPayload, match=r"set log\.store"):
        whole(from_record(referring(to_record(EXCHANGE), store)), None)


def test_data_that_is_gone_is_told_at_once(store: Store) -> None:
    record = referring(to_record(EXCHANGE), store)
    found = from_record(record)
    Path(found.extensions[DATAREF].removeprefix("file://")).unlink()
    with pytest.raises(MalformedPayload, match="any more"):
        whole(found, PatientStore(store, sleep=_never))


def test_an_outage_is_waited_for_once(store: Store, tmp_path: Path) -> None:
    name = _name(referring(to_record(EXCHANGE), store), store)
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    patient = PatientStore(store, 2.0, lambda: now[0], sleep)
    folder = tmp_path / "bodies" / name.partition("/")[0]
    folder.rename(tmp_path / "away")
    folder.write_text("no folder")
    with pytest.raises(StoreUnreachable, match="cannot read log"):
        patient.get(name)
    assert sum(slept) == 2.0
    with pytest.raises(StoreUnreachable):
        patient.get(name)
    assert sum(slept) == 2.0, "the second is tried once"
    folder.unlink()
    (tmp_path / "away").rename(folder)
    assert patient.get(name) == to_record(EXCHANGE).value


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")
    blocked = open_store(f"file://{tmp_path}/taken/below")
    with pytest.raises(StoreUnreachable, match="cannot write log"):
        referring(to_record(EXCHANGE), blocked)


def test_an_address_that_nothing_speaks_is_refused() -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        open_store("nonsense://x/y")
    with pytest.raises(MissingExtra, match="adlfs"):
        open_store("abfs://x/y")


def _name(record: Record, store: Store) -> str:
    return dict(record.headers)["ce_dataref"].decode().removeprefix(f"{store.url}/")


def _never(seconds: float) -> None:
    raise AssertionError("waited")
