"""Decoding together gives what decoding alone gives, and leaves the rest to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body, Exchange
from sidelight.protocols import v2, v2_binary
from sidelight.protocols.blocks import INPUTS, OUTPUTS, Block, decode_blocks
from sidelight.protocols.decoding import decode_inputs, decode_outputs
from sidelight.protocols.limits import Limits
from sidelight.tensors import Column, Columns
from tests.sidelight.column_strategies import TEXT, assert_same, some_columns

PIECES = [b"", b"]", b"[", b'"', b",", b"0", b"\\", b"null", b" "]
ANSWER = {"outputs": [{"name": "y", "shape": [1], "datatype": "FP64", "data": [0.5]}]}


def tensor(**change: Any) -> dict[str, Any]:
    return {"name": "x", "shape": [1, 2], "datatype": "INT64", "data": [1, 2]} | change


def exchange(request: Any, response: Any = ANSWER, **change: Any) -> Exchange:
    known = Exchange(
        id="id",
        source="/test",
        time_ns=0,
        duration_ns=0,
        method="POST",
        path="/v2/models/m/infer",
        protocol="v2",
        model="m",
        version="",
        status=200,
        outcome="answered",
        request=body(request),
        response=body(response),
    )
    return replace(known, **change)


def body(content: Any) -> Body:
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    return Body(raw, "application/json", size=len(raw))


def blocks(exchanges: Sequence[Exchange]) -> list[Block]:
    """The blocks, after a check that they hold what decoding their members alone gives."""
    found = list(decode_blocks(exchanges, (INPUTS, OUTPUTS)))
    for block in found:
        members = [exchanges[member] for member in block.members]
        for columns, decode in zip(block.sides, (decode_inputs, decode_outputs), strict=True):
            alone = [decode(member) for member in members]
            assert {len(part) * len(members) for part in alone} == {len(columns)}
            assert columns.parameters == alone[0].parameters
            each = len(columns) // len(members)
            for number, part in enumerate(alone):
                assert_same(columns.take(slice(number * each, (number + 1) * each)), part)
    assert len(set(members_of(found))) == len(members_of(found))
    return found


def members_of(found: Sequence[Block]) -> list[int]:
    return sorted(member for block in found for member in block.members)


def requests(*data: list[Any], **change: Any) -> list[Exchange]:
    return [exchange({"inputs": [tensor(data=cells, **change)]}) for cells in data]


def test_bodies_that_differ_in_values_and_ids_are_one_block() -> None:
    alike = [
        exchange({"id": f"é{i}", "inputs": [tensor(data=[i, -i])]}, {"id": str(i), **ANSWER})
        for i in range(9)
    ]
    (block,) = blocks(alike)
    assert block.members == tuple(range(9))
    assert block.sides[0]["x"].values.tolist() == [[i, -i] for i in range(9)]


def test_pythons_own_spelling_is_read_too() -> None:
    documents = [{"id": str(i), "inputs": [tensor(data=[i, 0])]} for i in range(5)]
    spelled = [exchange(json.dumps(document).encode()) for document in documents]
    assert members_of(blocks(spelled)) == [0, 1, 2, 3, 4]


def test_compressed_bodies_are_in_a_block_with_others() -> None:
    alike = requests(*([i, i] for i in range(5)))
    packed = body(gzip.compress(alike[0].request.content))
    alike[0] = replace(alike[0], request=replace(packed, content_encoding="gzip"))
    assert members_of(blocks(alike)) == [0, 1, 2, 3, 4]


def test_every_structure_has_a_block_of_its_own() -> None:
    narrow, wide = ([[i] * size for i in range(6)] for size in (1, 2))
    mixed = [
        pair[number]
        for pair in zip(requests(*narrow, shape=[1, 1]), requests(*wide), strict=True)
        for number in (0, 1)
    ]
    found = blocks(mixed)
    assert [block.members for block in found] == [(0, 2, 4, 6, 8, 10), (1, 3, 5, 7, 9, 11)]


@pytest.mark.parametrize(
    "bad",
    [
        [1],
        [1, 2, 3],
        [1, "2"],
        [1, 2.5],
        [1, {"a": 1}],
        [1, 2**63],
        [[1], 2],
        [1, True],
    ],
)
@pytest.mark.parametrize("place", [0, 3, 31])
def test_one_that_is_malformed_is_left_out_and_its_neighbours_stay(bad: Any, place: int) -> None:
    data: list[Any] = [[i, i] for i in range(32)]
    data[place] = bad
    found = members_of(blocks(requests(*data)))
    assert place not in found
    assert len(found) >= 32 - 4


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (b'["a', b'b"]'),
        (b"[1],[2", b"3"),
        (b"[[1,2", b"3,4]]"),
        (b"[1,2", b"3]"),
        (b"[1,]", b"[,1]"),
        (b"[]", b"[1,2,3,4]"),
    ],
)
def test_lists_that_are_whole_only_together_are_left_out(first: bytes, second: bytes) -> None:
    good = requests(*([i, i] for i in range(16)))
    content = good[0].request.content
    pair = [exchange(content.replace(b"[0,0]", cells)) for cells in (first, second)]
    found = members_of(blocks([*good[:8], *pair, *good[8:]]))
    assert not {8, 9} & set(found)
    assert len(found) >= 8


def test_ids_that_are_whole_only_together_are_left_out() -> None:
    good = [exchange({"id": f"{i}", "inputs": [tensor()]}) for i in range(16)]
    texts = (b'"\\"', b'"\n"', b'"\xff"', b'"a')
    bad = [exchange(good[0].request.content.replace(b'"0"', text)) for text in texts]
    found = members_of(blocks([*good[:8], *bad, *good[8:]]))
    assert not set(range(8, 12)) & set(found)
    assert len(found) >= 8


@pytest.mark.parametrize(
    "template",
    [
        # The tensor's data stands still; the list that changes is a parameter's.
        '{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data" :[7],'
        '"parameters":{"data":[%d]}}]}',
        '{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data" :[1],'
        '"parameters":{"data":[%d]}}]}',
        '{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data" :[7],'
        '"parameters":{"\\"data":[%d]}}]}',
        '{"parameters":{"data":[%d]},"inputs":[{"name":"x","shape":[1],"datatype":"INT64",'
        '"data":[7]}]}',
        '{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[7],"data":[%d]}]}',
        '{"inputs":[{"name":"x","shape":[true],"datatype":"INT64","data":[%d]}]}',
    ],
)
def test_a_template_cannot_show_other_rows_than_the_body_holds(template: str) -> None:
    assert blocks([exchange((template % i).encode()) for i in range(6)]) == []


def test_text_may_hold_what_looks_like_structure() -> None:
    words = ['"data":[', '"id":"x"', "a]b", "[", "}", "\\", '"', "],[", "é", "", "\n"]
    asked = [
        exchange({"inputs": [tensor(datatype="BYTES", shape=[1], data=[word])]})
        for word in [*words, *(f"plain {i}" for i in range(16))]
    ]
    assert len(members_of(blocks(asked))) >= 16


def test_nulls_in_some_are_nulls_of_these_alone() -> None:
    data: list[Any] = [[i, None if i % 3 else i] for i in range(9)]
    for datatype in ("INT64", "FP32"):
        assert members_of(blocks(requests(*data, datatype=datatype))) == list(range(9))


def test_requests_without_rows_are_a_block_too() -> None:
    empty = {"outputs": [{"name": "y", "shape": [0], "datatype": "FP64", "data": []}]}
    asked = [exchange({"inputs": [tensor(shape=[0, 2], data=[])]}, empty) for _ in range(5)]
    (block,) = blocks(asked)
    assert len(block.sides[0]) == 0


def test_what_is_not_read_here_is_left_out() -> None:
    good = requests(*([i, i] for i in range(4)))
    other = [
        replace(good[0], protocol="v1"),
        replace(good[0], outcome="abandoned"),
        replace(good[0], status=500),
        replace(good[0], request=replace(good[0].request, truncated=True)),
        replace(good[0], response=body(b"{")),
    ]
    assert members_of(blocks([*good, *other])) == [0, 1, 2, 3]


def test_few_of_a_kind_are_left_out() -> None:
    assert blocks(requests([1, 2], [3, 4], [5, 6])) == []


def test_only_the_side_asked_for_is_looked_at() -> None:
    asked = [replace(one, response=body(b"no")) for one in requests(*([i, i] for i in range(4)))]
    (block,) = decode_blocks(asked, (INPUTS,))
    assert len(block.sides) == 1


def test_limits_bound_each_exchange_and_not_the_block() -> None:
    asked = requests(*([i, i] for i in range(5)))
    (block,) = decode_blocks(asked, (INPUTS,), Limits(elements=2))
    assert len(block.sides[0]) == 5
    assert list(decode_blocks(asked, (INPUTS,), Limits(elements=1))) == []
    assert list(decode_blocks(asked, (INPUTS,), Limits(body_bytes=20))) == []


def like(columns: Columns, order: list[int]) -> Columns:
    """As many rows as before, in another order."""
    return columns.take(np.array([place % len(columns) for place in order[: len(columns)]], int))


@given(some_columns(), st.data())
def test_a_block_holds_what_decoding_alone_gives(columns: Columns, data: st.DataObject) -> None:
    orders = data.draw(
        st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=4, max_size=8)
    )
    asked = [
        exchange(
            v2.encode_request(replace(like(columns, order), parameters={"id": data.draw(TEXT)})),
            v2.encode_response(columns),
        )
        for order in orders
    ]
    blocks(asked)


@given(some_columns(), st.data())
def test_mutated_bodies_are_in_no_block_unless_alone_they_give_the_same(
    columns: Columns, data: st.DataObject
) -> None:
    content = v2.encode_request(columns)
    asked = []
    for _ in range(8):
        start = data.draw(st.integers(0, len(content)))
        stop = start + data.draw(st.integers(0, 3))
        piece = data.draw(st.sampled_from(PIECES))
        asked.append(exchange(content[:start] + piece + content[stop:]))
    for one in asked[:4]:
        asked += [one] * 3
    refused = {place for place, one in enumerate(asked) if is_refused(one)}
    assert not refused & set(members_of(blocks(asked)))


def is_refused(one: Exchange) -> bool:
    try:
        decode_inputs(one)
    except MalformedPayload:
        return True
    return False


NUMBERS = ["?", "u1", "i2", "u4", "i8", "f2", "f4", "f8"]


def binary(columns: Columns, id: str, sized: bool = True) -> Exchange:
    """A request and an answer, both of binary tensors; without `sized` their lengths are lost."""
    sent = v2_binary.encode_request(Columns(columns.columns, {"id": id}))
    given = v2_binary.encode_response(Columns(columns.columns, {"id": id, "model_name": "m"}))
    request, response = (
        replace(body(part.content), json_length=part.json_length if sized else None)
        for part in (sent, given)
    )
    return replace(exchange({}), request=request, response=response)


@given(
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4),
    st.integers(0, 3),
    st.sampled_from([(), (2,), (2, 3)]),
    st.booleans(),
)
def test_binary_tensors_that_differ_in_values_and_ids_are_one_block(
    dtypes: list[str], rows: int, inner: tuple[int, ...], sized: bool
) -> None:
    random = np.random.default_rng(0)

    def columns() -> Columns:
        draws = [random.integers(0, 2, (rows, *inner)).astype(dtype) for dtype in dtypes]
        return Columns(tuple(Column(f"x{i}", draw) for i, draw in enumerate(draws)))

    (block,) = blocks([binary(columns(), f"é{i}", sized) for i in range(6)])
    assert block.members == (0, 1, 2, 3, 4, 5)


def test_json_tensors_between_binary_ones_are_in_the_block() -> None:
    def mixed(value: int) -> Exchange:
        inputs = [
            tensor(name="a", data=[[7, 8]]),
            tensor(name="b", datatype="INT8", parameters={"binary_data_size": 2}, data=None),
        ]
        head = orjson.dumps({"inputs": inputs})
        return exchange(head + bytes([value, 1]))

    assert members_of(blocks([mixed(i) for i in range(6)])) == [0, 1, 2, 3, 4, 5]


def test_json_and_binary_bodies_are_in_blocks_of_their_own() -> None:
    columns = Columns.of(x=[1, 2])
    both = [
        binary(columns, str(i)) if i % 2 else exchange(v2.encode_request(columns))
        for i in range(12)
    ]
    assert sorted(len(block.members) for block in blocks(both)) == [6, 6]


@pytest.mark.parametrize("damage", [b"", b"\2", b"\1\1", b"\1\1\1\1"])
@pytest.mark.parametrize("place", [0, 3, 31])
def test_a_binary_body_that_is_malformed_is_left_out(damage: bytes, place: int) -> None:
    alike = [binary(Columns.of(x=[True]), str(i)) for i in range(32)]
    spoilt = alike[place].request
    alike[place] = replace(
        alike[place], request=replace(spoilt, content=spoilt.content[:-1] + damage)
    )
    with pytest.raises(MalformedPayload):
        decode_inputs(alike[place])

    found = members_of(blocks(alike))
    assert place not in found
    assert len(found) >= 32 - 4


def test_bytes_are_decoded_alone_as_one_could_reach_into_the_next() -> None:
    def request(tail: bytes) -> Exchange:
        parameters = {"binary_data_size": len(tail)}
        sent = tensor(shape=[2], datatype="BYTES", parameters=parameters, data=None)
        return exchange(orjson.dumps({"inputs": [sent]}) + tail)

    # Alone all of them are malformed; one after the other they would fit.
    halves = [b"\1\0\0\0a" + b"\5\0\0\0", b"\0\0\0\0a" + b"\0\0\0\0"]
    assert blocks([request(half) for half in halves * 4]) == []


def test_bytes_that_hide_their_datatype_do_not_reach_into_the_next() -> None:
    def request(tail: bytes) -> Exchange:
        parameters = {"binary_data_size": len(tail)}
        sent = tensor(shape=[2], datatype="BYTES", parameters=parameters, data=None)
        head = orjson.dumps({"inputs": [sent]}).replace(b"BYTES", b"\\u0042YTES")
        return exchange(head + tail)

    def cell(content: bytes) -> bytes:
        return len(content).to_bytes(4, "little") + content

    whole = cell(b"a") + cell(b"123456789")
    # The second element of one goes on for six bytes of the next.
    reaching = [cell(b"a") + cell(b"b" * 15)[:13], b"b" * 6 + cell(b"") + cell(b"cccc")]
    alike = [request(content) for content in (whole, *reaching, whole) * 2]
    assert [place for block in blocks(alike) for place in block.members] == []


def test_what_follows_json_tensors_is_looked_at_in_each_body() -> None:
    head = orjson.dumps({"inputs": [tensor()]})
    sized = [
        replace(exchange({}), request=replace(body(head + tail), json_length=len(head)))
        for tail in (b"  ", b"xx", b"yy", b"zz")
    ]
    with pytest.raises(MalformedPayload):
        decode_inputs(sized[1])

    assert blocks(sized) == []
