"""F13: heads of 10 MB, bodies above every limit, and bombs, over HTTP and gRPC, with and without
rules that make the recorder open what it is given.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest

from sidelight.events import Exchange
from tests.logger.commanding import PATH, Logger, running
from tests.logger.faults.accounts import proxy_balance, recorder_balance, wait_until_settled
from tests.logger.faults.load import asking, wait_for_more
from tests.logger.faults.memory import peak_mib
from tests.logger.faults.oracle import exchanges_in
from tests.logger.faults.seeds import soak_seconds
from tests.logger.grpc_running import INFER, Model, channel_to
from tests.logger.grpc_running import model_server as grpc_server
from tests.logger.nasty.model import nasty_model
from tests.logger.nasty.replaying import play
from tests.logger.nasty.requests import Nasty

MAX_BODY = 1 << 20
KEPT_BODY = 64 << 10
"""Of a body that the proxy kept whole, policy keeps so much."""
RECORDER_MIB = 256
"""Much less than one bomb takes: 512 MiB."""
RULES: dict[str, dict[str, Any]] = {
    "no rules": {},
    "rules": {"columns": {"age": "drop"}, "patterns": ["[0-9]{16}"]},
}
GIANT_HEAD = Nasty(
    "10 MB", (b"POST / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 10_000_000 + b"\r\n\r\n",), 431
)
GZIP = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
ZSTD = {"Content-Encoding": "zstd", "Content-Type": "application/json"}


def gzip_bomb() -> bytes:
    """512 MiB in half a megabyte: members that follow one another are one content."""
    return gzip.compress(bytes(64 << 20), 9) * 8


def zstd_bomb() -> bytes:
    """4,096 blocks of 128 KiB, each one repeated byte."""
    lasts = [0] * 4095 + [1]
    blocks = b"".join((128 << 10 << 3 | 2 | last).to_bytes(3, "little") + b"\0" for last in lasts)
    return b"\x28\xb5\x2f\xfd\x00\x58" + blocks


def large_json(size: int) -> bytes:
    return json.dumps({"parameters": {"filler": os.urandom(size // 2).hex()}}).encode()


class Sender:
    """Sends one body in each way that there is; the ledger says what its id must show."""

    def __init__(self, address: str) -> None:
        self.ledger: dict[str, bytes] = {}
        self._address = address

    def post(self, id_: str, body: bytes, headers: Mapping[str, str] = {}) -> None:
        self._send(id_, body, body, headers)

    def post_chunked(self, id_: str, body: bytes) -> None:
        pieces = (body[at : at + 100_000] for at in range(0, len(body), 100_000))
        self._send(id_, body, pieces, {})

    def call(self, id_: str, message: bytes, compression: Any = None) -> None:
        host, _, port = self._address.partition(":")
        with channel_to((host, int(port))) as channel:
            infer = channel.unary_unary(INFER)
            metadata = (("x-request-id", id_),)
            answer = infer(message, metadata=metadata, timeout=60, compression=compression)
        assert answer == message
        self.ledger[id_] = message

    def _send(self, id_: str, body: bytes, sent: Any, headers: Mapping[str, str]) -> None:
        """The model answers with what it was asked: all of it."""
        with closing(http.client.HTTPConnection(self._address, timeout=60)) as connection:
            connection.request("POST", PATH, sent, {**headers, "X-Request-Id": id_})
            assert connection.getresponse().read() == body
        self.ledger[id_] = body


def send_all(sender: Sender, round_: int) -> None:
    for name, size in (("kept", 10_000), ("cut", 500_000), ("above", 8 << 20)):
        sender.post(f"{name}-{round_}", large_json(size))
        sender.post_chunked(f"chunked {name}-{round_}", large_json(size))
        sender.call(f"grpc {name}-{round_}", large_json(size))
    sender.post(f"gzip bomb-{round_}", gzip_bomb(), GZIP)
    sender.post(f"zstd bomb-{round_}", zstd_bomb(), ZSTD)
    sender.call(f"grpc bomb-{round_}", bytes(64 << 20), grpc.Compression.Gzip)


@contextmanager
def at_work(folder: Path, rules: Mapping[str, Any]) -> Iterator[Logger]:
    logger = {"redact": rules, "max_body": MAX_BODY, "capture": {"max_body": KEPT_BODY}}
    (folder / "sidelight.yaml").write_text(json.dumps({"logger": logger}))
    with nasty_model() as model, grpc_server(Model()) as rpc:
        flags = ("--upstream", model.url, "--grpc-upstream", f"127.0.0.1:{rpc}")
        with running(folder, *flags) as running_:
            yield running_
        assert (model.smuggled, model.unreadable) == ([], [])


def sizes_harm_nobody(folder: Path, rules: Mapping[str, Any], rounds: int) -> None:
    with at_work(folder, rules) as logger:
        sender = Sender(logger.address("traffic"))
        with asking(logger.address("traffic"), 1, 0.005) as [other]:
            for round_ in range(rounds):
                send_all(sender, round_)
                [refused] = play(logger.address("traffic"), GIANT_HEAD)
                assert refused.status == 431
            wait_for_more([other], 5)
        wait_until_settled(logger)
        assert (other.failed, other.broken) == ([], 0)
        assert (proxy_balance(logger), recorder_balance(logger)) == (0, 0)
        mib = {part: round(peak_mib(logger.pid(part))) for part in ("proxy", "recorder")}
        print(f"{rounds} rounds, {'rules' if rules else 'no rules'}: {mib} MiB at most")
        assert mib["recorder"] < RECORDER_MIB
        assert [len(logger.pids(part)) for part in mib] == [1, 1], "none fell"
        assert logger.metric("proxy_dropped_total") == 0
        assert logger.stop() == 0
    found = {one.correlation_id: one for one in exchanges_in(folder / "log")}
    for id_, sent in sender.ledger.items():
        marked_as_it_was(found[id_], sent, bool(rules))


def marked_as_it_was(one: Exchange, sent: bytes, has_rules: bool) -> None:
    name = one.correlation_id.rpartition("-")[0]
    for body in (one.request, one.response):
        assert len(body.content) <= KEPT_BODY, name
        if "grpc" not in name and "bomb" not in name:
            assert body.size == len(sent), name
        if name.endswith("bomb") or has_rules:
            continue
        assert body.truncated == (len(body.content) < body.size), name
        assert body.content in sent or "grpc" in name
        if name.removeprefix("chunked ") in ("cut", "above"):
            assert body.sha256 == hashlib.sha256(sent).hexdigest(), name
    if has_rules and name.endswith(("bomb", "above")):
        assert (one.request.content, one.response.content) == (b"", b"")


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_sizes_harm_neither_others_nor_the_recorder(tmp_path: Path, rules: dict[str, Any]) -> None:
    sizes_harm_nobody(tmp_path, rules, rounds=1)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_sizes_harm_nobody_over_many_rounds(tmp_path: Path, rules: dict[str, Any]) -> None:
    sizes_harm_nobody(tmp_path, rules, rounds=max(5, int(soak_seconds() / 60)))
