"""No raw value stays in a body, whatever its form, and what stays is read as before."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidelight.errors import ConfigError
from sidelight.events.exchange import Body
from sidelight.protocols.limits import Limits
from sidelight.redaction import Rules, Unredactable, redacted
from tests.sidelight.redacting import (
    JSON,
    body,
    decoded,
    forms,
    json_body,
    matrices,
    rules,
)

CARD = "4111-1111-1111-1111"
ROWS: list[dict[str, Any]] = [
    {"age": 43.0, "card": CARD, "city": "Ulm", "income": 1234.5},
    {"age": 71.0, "card": "5500-0000-0000-0004", "city": "Bonn", "income": 77.25},
]
FORMS = tuple(forms(ROWS))


def kept(form: str, wanted: Rules, rows: list[dict[str, Any]] = ROWS) -> tuple[str, Body]:
    protocol, sent = forms(rows)[form]
    return protocol, redacted(sent, protocol, "inputs", wanted)


def reason(sent: Body, protocol: str, wanted: Rules, side: str = "inputs", **how: Any) -> str:
    with pytest.raises(Unredactable) as refused:
        redacted(sent, protocol, side, wanted, **how)
    assert CARD not in str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize("form", FORMS)
def test_a_dropped_column_is_gone_and_the_others_are_as_they_were(form: str) -> None:
    protocol, one = kept(form, rules(columns={"card": "drop", "age": "drop"}))
    assert CARD.encode() not in one.content
    assert struct.pack("<d", 43.0) not in one.content
    found = decoded(protocol, one)
    assert found.columns[1].values.tolist() == [1234.5, 77.25]
    assert found.names == (("0", "1") if form == "v1 lists" else ("city", "income"))


@pytest.mark.parametrize("form", FORMS)
def test_a_hash_is_an_hmac_of_the_value_in_every_form(form: str, tmp_path: Path) -> None:
    protocol, one = kept(form, rules(tmp_path, columns={"card": "hash", "age": "hash"}))
    found = decoded(protocol, one)
    age, card = found.columns[0], found.columns[1]
    key = b"0123456789abcdef"
    assert card.values[0] == hmac.new(key, b"card\0" + CARD.encode(), "sha256").hexdigest()[:32]
    digest = hmac.new(key, b"age\x0043", "sha256").digest()
    assert age.values[0] == int.from_bytes(digest[:6])
    assert CARD.encode() not in one.content


@pytest.mark.parametrize("form", FORMS)
def test_a_bucket_is_the_middle_of_its_interval(form: str) -> None:
    rule = {"age": {"bucket": 10}, "income": {"bucket": [0, 100, 1000]}}
    found = decoded(*kept(form, rules(columns=rule)))
    assert found.columns[0].values.tolist() == [45.0, 75.0]
    assert found.columns[3].values.tolist() == [1450.0, 50.0]


@pytest.mark.parametrize("form", FORMS)
def test_what_matches_a_pattern_is_masked_in_every_text(form: str) -> None:
    for wanted in (
        rules(columns={"card": {"mask": "[0-9-]{8,}"}}),
        rules(patterns=["[0-9]{4}(-[0-9]{4}){3}"]),
    ):
        protocol, one = kept(form, wanted)
        assert CARD.encode() not in one.content
        assert decoded(protocol, one).columns[1].values.tolist() == ["***", "***"]


@pytest.mark.parametrize("form", tuple(matrices([[1.0] * 4])))
def test_columns_side_by_side_are_told_apart_by_their_place(form: str, tmp_path: Path) -> None:
    protocol, sent = matrices([[43.0, 5.0, 7.0, 123.0], [71.0, 6.0, 8.0, 124.0]])[form]
    wanted = rules(tmp_path, columns={"age": "drop", "card": "hash", "income": {"bucket": 100}})
    found = decoded(protocol, redacted(sent, protocol, "inputs", wanted))
    values = (
        found.columns[0].values
        if len(found.columns) == 1
        else np.stack([one.values for one in found], axis=1)
    )
    assert 5.0 not in values[:, 0]
    assert values[:, 1:].tolist() == [[7.0, 150.0], [8.0, 150.0]]


@pytest.mark.parametrize("form", tuple(matrices([[1.0] * 4])))
def test_nameless_columns_that_may_be_ruled_are_not_kept(form: str) -> None:
    protocol, sent = matrices([[43.0, 5.0, 7.0]])[form]
    for inputs in ((), ("age", "card"), ("age", "b", "c", "d")):
        wanted = rules(columns={"age": "drop"}, inputs=inputs)
        assert reason(sent, protocol, wanted) == "columns"


def test_columns_side_by_side_cannot_hide_under_the_name_of_one() -> None:
    wanted = rules(columns={"age": "drop"})
    tensor = {"name": "city", "shape": [1, 4], "datatype": "FP32", "data": [43, 1, 2, 3]}
    one = redacted(json_body({"inputs": [tensor]}), "v2", "inputs", wanted)
    assert orjson.loads(one.content)["inputs"][0]["data"] == [1, 2, 3]
    tensor |= {"shape": [1, 5], "data": [43, 1, 2, 3, 4]}
    assert reason(json_body({"inputs": [tensor]}), "v2", wanted) == "columns"
    wide = rules(columns={"age": "drop"}, wide=("city",))
    one = redacted(json_body({"inputs": [tensor]}), "v2", "inputs", wide)
    assert orjson.loads(one.content) == {"inputs": [tensor]}


def test_rows_that_name_their_columns_in_another_way_are_not_kept() -> None:
    wanted = rules(columns={"age": "drop"})
    row = {"name": "age", "shape": [1], "datatype": "FP32", "data": [43]}
    assert reason(json_body({"inputs": [row]}), "v1", wanted) == "columns"
    assert reason(json_body({"instances": [{"x": 1}]}), "v1", wanted) == "columns"


def test_a_name_in_another_case_is_the_same_column() -> None:
    wanted = rules(columns={"age": "drop"}, inputs=())
    for name in ("Age", " AGE", "\uff21\uff47\uff45"):
        one = redacted(json_body({"instances": [{name: 43, "b": 1}]}), "v1", "inputs", wanted)
        assert orjson.loads(one.content) == {"instances": [{"b": 1}]}


def test_a_tensor_of_no_declared_name_is_not_kept_and_an_answers_is() -> None:
    wanted = rules(columns={"age": "drop"})
    tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [43]}
    assert reason(json_body({"inputs": [tensor]}), "v2", wanted) == "columns"
    answer = redacted(json_body({"outputs": [tensor]}), "v2", "outputs", wanted)
    assert orjson.loads(answer.content) == {"outputs": [tensor]}


def test_a_rule_holds_for_answers_and_for_what_is_said_beside_the_rows() -> None:
    wanted = rules(columns={"age": "drop", "label": "drop"})
    said = {"parameters": {"age": 43, "x": {"AGE": 43}}, "age": 43, "user": [{"age": 43}]}
    tensors = [
        {"name": "label", "shape": [1], "datatype": "FP32", "data": [43]},
        {"name": "age", "shape": [1], "datatype": "FP32", "data": [43]},
    ]
    one = redacted(json_body({**said, "outputs": tensors}), "v2", "outputs", wanted)
    assert b"43" not in one.content
    one = redacted(json_body({**said, "predictions": [{"age": 43}]}), "v1", "outputs", wanted)
    assert b"43" not in one.content


def test_paths_leave_values_out_of_json_of_any_kind() -> None:
    wanted = rules(paths=["$.user.email", "$..card", "$.inputs[?@.name=='age'].data"])
    said = {"user": {"email": "a@b.c", "name": "n"}, "rows": [{"card": CARD}, [CARD]]}
    one = redacted(json_body(said), "", "inputs", wanted)
    assert orjson.loads(one.content) == {"user": {"name": "n"}, "rows": [{}, [CARD]]}
    listed = redacted(json_body([{"card": CARD}, 1]), "", "inputs", wanted)
    assert orjson.loads(listed.content) == [{}, 1]
    for form in ("v2 json", "v2 binary"):
        _, one = kept(form, wanted)
        assert b"43.0" not in one.content
        assert struct.pack("<d", 43.0) not in one.content
    assert reason(forms(ROWS)["grpc raw"][1], "grpc", wanted) == "form"


def test_only_the_models_columns_are_kept_at_the_level_features() -> None:
    wanted = rules(only_named=True, inputs=("age", "city"), outputs=("label",))
    for form in ("v1 objects", "v1 columns", "v2 json", "v2 binary", "grpc raw", "grpc typed"):
        protocol, one = kept(form, wanted)
        assert set(decoded(protocol, one).names) == {"age", "city"}, form
        assert CARD.encode() not in one.content
    assert reason(forms(ROWS)["v1 lists"][1], "v1", wanted) == "columns"
    said = {"instances": [{"age": 1}], "note": CARD}
    one = redacted(json_body(said), "v1", "inputs", wanted)
    assert orjson.loads(one.content) == {"instances": [{"age": 1}]}
    asked = {"inputs": [], "outputs": [{"name": "label"}], "id": CARD, "parameters": {"a": CARD}}
    asked["inputs"] = [{"name": "age", "shape": [1], "datatype": "FP32", "data": [1]}]
    one = redacted(json_body(asked), "v2", "inputs", wanted)
    assert CARD.encode() not in one.content


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_what_was_compressed_is_redacted_and_plain_afterwards(encoding: str) -> None:
    content = gzip.compress(orjson.dumps({"instances": ROWS}))
    sent = Body(content, JSON, encoding, None, len(content), hashlib.sha256(content).hexdigest())
    one = redacted(sent, "v1", "inputs", rules(columns={"card": "drop"}))
    assert (one.content_encoding, one.size, one.sha256) == ("", len(content), "")
    assert orjson.loads(one.content)["instances"][0]["age"] == 43.0


@pytest.mark.parametrize(
    ("sent", "protocol", "why"),
    [
        (b'{"instances":[{"card":1', "v1", "malformed"),
        (b'{"instances":[{"card":1,"card":2}]}', "v1", "malformed"),
        (b'{"instances":[{"card":NaN}]}', "v1", "malformed"),
        (b"[1]", "v1", "malformed"),
        (b'{"rows":[{"card":1}]}', "v1", "form"),
        (b'{"instances":7}', "v1", "form"),
        (b'{"error":"bad card 4111"}', "v2", "form"),
        (b'{"inputs":[{"card":1}]}', "v2", "malformed"),
        (b'{"inputs":[7]}', "v2", "malformed"),
        (b'{"inputs":[{"name":"x","data":[1]}]}', "v2", "malformed"),
        (b'{"inputs":[]}tail', "v2", "malformed"),
        (b"\x00\x00\x00\x00\x09junk", "grpc", "malformed"),
        (b'{"a":1}', "", "form"),
        (b'{"instances":' + b"[" * 40 + b"1" + b"]" * 40 + b"}", "v1", "limit"),
        (b'{"instances":' + b"[" * 900 + b"1" + b"]" * 900 + b"}", "v1", "limit"),
    ],
)
def test_a_body_that_cannot_be_parsed_under_a_rule_is_not_kept(
    sent: bytes, protocol: str, why: str
) -> None:
    kind = "application/grpc" if protocol == "grpc" else JSON
    assert reason(body(sent, kind), protocol, rules(columns={"card": "drop"})) == why


def test_cut_encoded_bombed_and_streamed_bodies_are_not_kept() -> None:
    wanted = rules(columns={"card": "drop"})
    whole = json_body({"instances": ROWS})
    assert reason(replace(whole, truncated=True, size=9999), "v1", wanted) == "truncated"
    assert reason(replace(whole, content_encoding="br"), "v1", wanted) == "malformed"
    assert reason(replace(whole, content_encoding="gzip"), "v1", wanted) == "malformed"
    bomb = gzip.compress(b" " * 50_000)
    small = Limits(decompressed_bytes=10_000)
    assert reason(body(bomb), "v1", wanted, limits=small) == "limit"
    wanted = rules(patterns=["[0-9]+"])
    assert reason(body(b"data: 41\n\n", "text/event-stream"), "", wanted) == "stream"
    assert reason(body(b"\xff\xd8", "image/jpeg"), "", wanted) == "form"
    assert reason(body(b"\xff41", "text/plain"), "", wanted) == "malformed"
    text = redacted(body(b"call 4111", "text/plain; charset=utf-8"), "", "inputs", wanted)
    assert text.content == b"call ***"


def test_patterns_look_into_base64_keys_whole_numbers_and_bytes() -> None:
    wanted = rules(patterns=["4111[0-9]{12}"])
    number, text = 4111111111111111, "4111111111111111"
    hidden = base64.b64encode(text.encode()).decode()
    said = {"instances": [{text: 1}, {"n": number}, {"b64": hidden}, [text], text, 0.25]}
    one = orjson.loads(redacted(json_body(said), "v1", "inputs", wanted).content)
    masked = base64.b64encode(b"***").decode()
    assert one == {"instances": [{"***": 1}, {"n": None}, {"b64": masked}, ["***"], "***", 0.25]}
    tensor: dict[str, Any] = {"name": "t", "datatype": "BYTES", "shape": [1], "data": [hidden]}
    tensor["parameters"] = {"content_type": "base64"}
    one = redacted(json_body({"inputs": [tensor]}), "v2", "inputs", wanted)
    assert orjson.loads(one.content)["inputs"][0]["data"] == [masked]
    head = orjson.dumps(
        {
            "inputs": [
                {
                    "name": "t",
                    "datatype": "INT64",
                    "shape": [2],
                    "parameters": {"binary_data_size": 16},
                }
            ]
        }
    )
    raw = struct.pack("<qq", number, 5)
    one = redacted(body(head + raw, "", len(head)), "v2", "inputs", wanted)
    values = decoded("v2", one)["t"].values
    assert np.isnan(values[0])
    assert values[1] == 5


def test_masks_look_into_base64_of_a_column() -> None:
    wanted = rules(columns={"card": {"mask": "4111"}})
    sent = {"instances": [{"card": {"b64": base64.b64encode(b"x4111").decode()}}]}
    one = orjson.loads(redacted(json_body(sent), "v1", "inputs", wanted).content)
    assert base64.b64decode(one["instances"][0]["card"]["b64"]) == b"x***"


def test_a_bucket_too_fine_for_a_double_tells_nothing() -> None:
    wanted = rules(columns={"age": {"bucket": 1e-3}})
    one = redacted(json_body({"instances": [{"age": 1e17}, {"age": "x"}]}), "v1", "inputs", wanted)
    assert orjson.loads(one.content) == {"instances": [{"age": None}, {"age": None}]}


def test_without_rules_a_body_is_left_as_it_is() -> None:
    sent = body(b"\xff anything", "image/png")
    assert redacted(sent, "v1", "inputs", rules()) is sent


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"paths": ["user.email"]}, "JSONPath"),
        ({"patterns": ["("]}, "regular expression"),
        ({"columns": {"a": "hash"}}, "key_file"),
        ({"columns": {"a": "hash"}, "key_file": "/nowhere/key"}, "cannot be read"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(said: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rules(**said)


SECRET = st.text("ABCDEFGHKLMNPQRS", min_size=12, max_size=16)
ACTIONS = st.sampled_from(["drop", "hash", {"mask": "[A-S]{12,}"}])


@settings(max_examples=40, deadline=None)
@given(SECRET, ACTIONS, st.sampled_from(FORMS), st.booleans(), st.data())
def test_no_secret_is_found_in_any_form(
    secret: str, action: Any, form: str, zipped: bool, data: st.DataObject
) -> None:
    import tempfile

    rows: list[dict[str, Any]] = [{**row, "card": secret} for row in ROWS]
    wanted_city = data.draw(st.sampled_from(["Ulm", secret]))
    rows[1]["city"] = wanted_city
    with tempfile.TemporaryDirectory() as folder:
        wanted = rules(Path(folder), columns={"card": action, "city": action})
    protocol, sent = forms(rows)[form]
    if zipped and protocol != "grpc":
        sent = replace(sent, content=gzip.compress(sent.content), content_encoding="gzip")
    one = redacted(sent, protocol, "inputs", wanted)
    assert secret.encode() not in one.content
    ages = decoded(protocol, one).columns[0].values
    # Lists of which only numbers are left are read as one tensor.
    assert (ages[:, 0] if ages.ndim == 2 else ages).tolist() == [43.0, 71.0]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FORMS), st.integers(0, 10_000), st.binary(max_size=4))
def test_a_damaged_body_is_redacted_or_refused_and_nothing_else(
    form: str, place: int, noise: bytes
) -> None:
    protocol, sent = forms(ROWS)[form]
    at = place % len(sent.content)
    damaged = sent.content[:at] + noise + sent.content[at + len(noise) :]
    wanted = rules(columns={"card": "drop", "age": {"bucket": 10}}, patterns=["[0-9-]{12,}"])
    try:
        one = redacted(replace(sent, content=damaged), protocol, "inputs", wanted)
    except Unredactable:
        return
    assert CARD.encode() not in one.content


@pytest.mark.parametrize(
    "pattern", [r"\w{6,}", "inputs|outputs", "datatype", "[a-z]{10,}", "[a-z]"]
)
@pytest.mark.parametrize("form", forms(ROWS))
def test_a_pattern_that_matches_a_protocols_own_words_ends_nobody(form: str, pattern: str) -> None:
    protocol, sent = forms(ROWS)[form]
    try:
        redacted(sent, protocol, "inputs", rules(patterns=[pattern]))
    except Unredactable as refused:
        assert refused.reason == "malformed"  # noqa: PT017


def test_the_words_of_a_protocol_are_no_secret() -> None:
    sent = json_body({"predictions": [{"identifier": "an identifier"}]})
    kept = redacted(sent, "v1", "outputs", rules(patterns=[r"[a-z]{10,}"])).content
    assert orjson.loads(kept) == {"predictions": [{"***": "an ***"}]}


@pytest.mark.parametrize("number", ["41111111111111111111", "-41111111111111111111"])
@pytest.mark.parametrize("text", ["[%s]", "[%s, 0.5]", "[%s, null]", '[0.5, {"card": %s}]'])
def test_whole_numbers_of_more_than_64_bits_are_masked_too(text: str, number: str) -> None:
    sent = body(b'{"instances": %b}' % (text % number).encode())
    assert b"111111" not in redacted(sent, "v1", "inputs", rules(patterns=[r"[0-9]{16,}"])).content


def test_a_text_in_characters_that_nobody_declared_is_not_kept() -> None:
    sent = body("card 4111111111111111".encode("utf-16-le"), "text/plain")
    assert reason(sent, "", rules(patterns=["[0-9]{16}"])) == "malformed"


def test_without_rules_what_came_cut_is_kept_as_it_came() -> None:
    sent = replace(body(b'{"instances": ['), size=100, truncated=True)
    assert redacted(sent, "v1", "inputs", Rules()) == sent
