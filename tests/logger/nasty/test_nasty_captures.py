"""No exchange can make the recorder fall: one that could would hide itself and its neighbours.

Captures with mutated heads and bodies of every protocol go through description, policy with rules
of every kind, and record; each becomes an exchange that is read back as it was, is left out, or is
malformed.
"""

from __future__ import annotations

import gzip
import json
import random

import pytest

from sidelight.config import Settings
from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body
from sidelight.events.exchanges import from_record, to_record
from sidelight.redaction import bodies, members, paths, texts
from sidelight.redaction.forms import binary, grpc, v1, v2
from sidelight_logger.policy import bodies as kept_bodies
from sidelight_logger.policy import policy as policy_module
from sidelight_logger.policy import texts as kept_texts
from sidelight_logger.policy.configured import policy_of
from sidelight_logger.policy.policy import Policy
from sidelight_logger.recorder.describing import asked, description, heads
from sidelight_logger.recorder.describing.description import Origin, describe
from sidelight_logger.wire.captures import Capture, Side
from tests.logger.captures import MINT
from tests.logger.faults.seeds import KEPT, fresh, soak_seconds
from tests.logger.nasty.covering import explore
from tests.logger.nasty.mutating import mutated
from tests.sidelight.redacting import forms

_RUNS = 1500
_ORIGIN = Origin("/nasty", "log-1")
_ROWS = [{"age": 31.0, "card": "4111111111111111", "city": "Ulm", "income": 7.0}] * 2
_PATHS = {
    "v1": b"/v1/models/income:predict",
    "v2": b"/v2/models/income/versions/3/infer",
    "grpc": b"/inference.GRPCInferenceService/ModelInfer",
    "chat": b"/openai/v1/chat/completions",
}
_CHAT = b'{"model":"chat","messages":[{"role":"user","content":"4111111111111111"}],"user":"me"}'
_MODULES = (
    *(description, heads, asked, policy_module, kept_bodies, kept_texts),
    *(bodies, members, paths, texts, binary, grpc, v1, v2),
)


def wire(protocol: str, body: Body, *, packed: bool = False) -> bytes:
    """Both sides of an exchange, with the same body; what mutations work on."""
    content = gzip.compress(body.content, mtime=0) if packed else body.content
    fields = [f"content-type: {body.content_type}"]
    fields += [f"Inference-Header-Content-Length: {body.json_length}"] * (
        body.json_length is not None
    )
    fields += ["content-encoding: gzip"] * packed
    block = "\r\n".join([*fields, "traceparent: 00-a-b-01", "x-request-id: 1", "", ""]).encode()
    return b"POST %b HTTP/1.1\r\n%b%b" % (_PATHS[protocol], block, content)


def corpus() -> list[bytes]:
    bodies_of = [*forms(_ROWS).values(), ("chat", Body(_CHAT, "application/json", "", None))]
    return [
        wire(protocol, body, packed=packed)
        for protocol, body in bodies_of
        for packed in (False, True)
    ]


CORPUS = corpus()


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> list[Policy]:
    """None, everything at once, and features only."""
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_bytes(b"0123456789abcdef")
    columns = {"age": {"bucket": 10}, "card": "hash", "city": "drop", "income": {"mask": "7"}}
    redact = {
        "columns": columns,
        "paths": ["$.user", "$..content"],
        "patterns": ["[0-9]{16}"],
        "key_file": str(key),
    }
    kinds = dict.fromkeys(("age", "income"), "numeric") | dict.fromkeys(
        ("card", "city"), "categorical"
    )
    features = {name: {"kind": kind} for name, kind in kinds.items()}
    told: tuple[dict[str, object], ...] = (
        {},
        {"logger": {"redact": redact, "headers": ["x-request-id"]}},
        {"logger": {"capture": "features"}, "models": {"income": {"features": features}}},
    )
    return [policy_of(Settings.model_validate_json(json.dumps(one))) for one in told]


def check(sample: bytes, policies: list[Policy]) -> None:
    """The same bytes as a request, and below another head as its answer."""
    head, blank, content = sample.partition(b"\r\n\r\n")
    answer = b"HTTP/1.1 200 OK" + head[head.find(b"\r\n") :] if b"\r\n" in head else b""
    sides = (Side(head + blank, content, len(content)), Side(answer + blank, content, len(content)))
    capture = Capture(MINT(), 1_790_000_000 * 10**9, 1_500_000, "answered", *sides)
    try:
        exchange = describe(capture, 1, _ORIGIN)
    except MalformedPayload:
        return
    if exchange is None:
        return
    for policy in policies:
        kept = policy.kept(exchange).exchange
        if kept is not None:
            assert from_record(to_record(kept)) == kept


@pytest.mark.parametrize("seed", KEPT)
def test_no_capture_makes_the_recorder_fall(policies: list[Policy], seed: int) -> None:
    chance = random.Random(seed)
    for sample in CORPUS:
        check(sample, policies)
    for _ in range(_RUNS):
        check(mutated(chance.choice(CORPUS), CORPUS, chance), policies)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_long_search_for_a_capture_that_fells_the_recorder(policies: list[Policy]) -> None:
    seed = fresh()
    seconds = soak_seconds() / 4
    runs, lines = explore(lambda one: check(one, policies), CORPUS, _MODULES, seed, seconds)
    print(f"seed {seed}: {runs} runs reached {lines} lines")
