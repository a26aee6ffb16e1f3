"""What a request may ask beside rows: logged exchanges, pictures, methods, compressed bodies."""

from __future__ import annotations

import gzip
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import orjson
import pytest

from sidelight.config.settings import LogSettings
from sidelight.events.ids import id_text
from sidelight.log import open_log
from sidelight.tensors import Columns
from tests.explainers.explaining_services import ROW, V1, V2, Held, model, service
from tests.explainers.logging_exchanges import appended, exchange, mint
from tests.explainers.serving import score

ROWS = [ROW, {**ROW, "f0": -1.0}]


def told(answer: Any) -> list[Any]:
    """The values and contributions of each explanation of a V1 answer."""
    return [
        [(one["value"], one["contribution"]) for one in each["data"]["attributions"]]
        for each in answer.json()["explanations"]
    ]


def wishing(**wishes: Any) -> dict[str, Any]:
    return {"parameters": {"explain_parameters": wishes}}


def test_a_logged_exchange_is_explained_by_its_id(tmp_path: Path) -> None:
    settings = LogSettings(url=str(tmp_path / "log"))
    log = open_log(settings)
    one = exchange(ROWS)
    address = appended(log, one)
    with service(model(), settings) as client:
        sent = told(client.post(V1, json={"instances": ROWS}))
        by_id = client.post(V1, json=wishing(exchange=one.id))
        assert by_id.status_code == 200
        assert told(by_id) == sent
        by_address = client.post(V1, json=wishing(exchange=str(address), row=1))
        assert told(by_address) == sent[1:]
        over_v2 = client.post(V2, json={"inputs": []} | wishing(exchange=one.id)).json()
        assert len(over_v2["outputs"][0]["data"]) == 2
        as_text = {
            "parameters": {"explain_parameters": orjson.dumps({"exchange": one.id}).decode()}
        }
        assert told(client.post(V1, json=as_text)) == sent
    log.close()


@pytest.mark.parametrize(
    ("wishes", "rows", "code", "words"),
    [
        ({"exchange": "x"}, [], 400, "neither an exchange's id nor an address"),
        ({"exchange": 3}, [], 400, "explain_parameters.exchange: send the id"),
        ({"row": 3}, [], 400, "explain_parameters.exchange: send the id"),
        ({"exchange": "inference/0/0", "row": -1}, [], 400, "explain_parameters.row"),
        ({"exchange": "inference/0/0", "row": True}, [], 400, "explain_parameters.row"),
        ({"exchange": "inference/0/0"}, [ROW], 400, "not both"),
        ({"exchange": "inference/0/0"}, [], 404, "the log holds nothing at inference/0/0"),
        ({"exchange": id_text(mint())}, [], 404, "the log holds no exchange"),
    ],
)
def test_exchanges_that_cannot_be_explained_say_why(
    tmp_path: Path, wishes: Any, rows: Any, code: int, words: str
) -> None:
    with service(model(), LogSettings(url=str(tmp_path / "log"))) as client:
        answer = client.post(V1, json={"instances": rows} | wishing(**wishes))
        assert answer.status_code == code
        assert words in answer.json()["error"]


def test_the_methods_and_the_schema_of_their_options_are_listed() -> None:
    with service(model(shapley={"budget": 500, "max_budget": 900}, anchor={})) as client:
        listed = client.get("/v2/models/m").json()["methods"]
        assert [one["name"] for one in listed] == ["shapley", "anchor"]
        assert {one["explains"] for one in listed} == {"one row"}
        options = listed[0]["options"]
        jsonschema.Draft202012Validator.check_schema(options)
        assert options["properties"]["budget"]["default"] == 500
        assert "max_budget" not in options["properties"]
        defaults = {name: one["default"] for name, one in options["properties"].items()}
        jsonschema.validate(defaults, options)
        for wish, is_valid in ({"budget": 900}, True), ({"budget": 901}, False), ({"x": 1}, False):
            assert jsonschema.Draft202012Validator(options).is_valid(wish) == is_valid
            code = client.post(V1, json={"instances": [ROW]} | wishing(**wish)).status_code
            assert (code == 200) == is_valid


def test_v2_infer_explains_as_mlservers_explainers_do() -> None:
    columns = [
        {"name": name, "shape": [1, 1], "datatype": "FP64", "data": [value]}
        for name, value in ROW.items()
    ]
    with service(model()) as client:
        (output,) = client.post("/v2/models/m/infer", json={"inputs": columns}).json()["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == ("explanation", [1, 1], "BYTES")
    assert orjson.loads(output["data"][0])["meta"]["name"] == "shapley"


@pytest.mark.parametrize(
    ("accept", "media_type", "begins"),
    [
        ("text/html", "text/html", b"<!doctype html"),
        ("image/svg+xml", "image/svg+xml", b"<svg"),
        ("image/png", "image/png", b"\x89PNG"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html", b"<!doctype html"),
        ("image/png;q=0.3, text/html;q=0.5", "text/html", b"<!doctype html"),
        ("application/json", "application/json", b"{"),
        ("application/json, text/html", "application/json", b"{"),
        ("application/json;q=0.9, text/html;q=0.5", "application/json", b"{"),
        ("*/*", "application/json", b"{"),
        ("text/html;q=0", "application/json", b"{"),
        ("text/html;q=often", "application/json", b"{"),
        ("", "application/json", b"{"),
    ],
)
def test_a_picture_is_what_a_client_prefers(accept: str, media_type: str, begins: bytes) -> None:
    with service(model()) as client:
        answer = client.post(V1, json={"instances": [ROW]}, headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert answer.content.lower().startswith(begins.lower())


def test_several_explanations_are_no_one_picture() -> None:
    with service(model()) as client:
        answer = client.post(V1, json={"instances": ROWS}, headers={"accept": "text/html"})
        assert (answer.status_code, "send one row" in answer.json()["error"]) == (406, True)
        headers = {"prefer": "respond-async"}
        place = client.post(V1, json={"instances": [ROW]}, headers=headers).headers["location"]
        while client.get(place).json()["state"] == "running":
            time.sleep(0.01)
        drawn = client.get(f"{place}/result", headers={"accept": "image/png"})
        assert drawn.content.startswith(b"\x89PNG")


@pytest.mark.parametrize("path", [V1, V2])
def test_a_compressed_body_is_read_within_the_same_limit(path: str) -> None:
    rows = [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": list(ROW.values())}]
    body = orjson.dumps({"instances": [ROW]} if path == V1 else {"inputs": rows})
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    with service(model(), max_body=4096) as client:
        sent = client.post(path, content=gzip.compress(body), headers=headers)
        assert sent.status_code == 200
        bomb = gzip.compress(b" " * 100_000 + body)
        refused = client.post(path, content=bomb, headers=headers)
        assert (refused.status_code, "decompressed" in refused.json()["error"]) == (413, True)


def test_a_client_that_leaves_ends_its_explanation() -> None:
    """The one worker is free for others while the model still holds the call."""
    held, first = Held(), [True]
    body = orjson.dumps({"instances": [ROW]})
    head = f"POST {V1} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    def holds_the_first(rows: Columns) -> Columns:
        return held(rows) if first and first.pop() else score(rows)

    with service(model(holds_the_first), workers=1, waiting=0) as client:
        address = (client.base_url.host, client.base_url.port or 0)
        with socket.create_connection(address) as leaving:
            leaving.sendall(head + body)
            assert held.asked.wait(30)
        while client.post(V1, json={"instances": [ROW]}).status_code == 503:
            time.sleep(0.01)
        assert client.post(V1, json={"instances": [ROW]}).status_code == 200
        gone = 'sidelight_explainers_requests_total{model="m",outcome="gone"} 1.0'
        assert gone in client.get("/metrics").text
        held.go.set()


def test_rows_of_a_request_are_explained_at_the_same_time() -> None:
    """What they ask travels together, which rows that wait for each other cannot do."""
    held = Held()
    rows = [{**ROW, "f0": float(at)} for at in range(8)]
    with service(model(held)) as client, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, V1, json={"instances": rows})
        assert held.asked.wait(30)
        time.sleep(0.2)
        at_once = held.calls
        held.go.set()
        assert len(answer.result().json()["explanations"]) == 8
    assert at_once > 1 or held.calls < 8


def test_a_method_that_explains_the_model_needs_no_rows_and_gives_one_explanation() -> None:
    with service(model(partial_dependence={}, shapley={})) as client:
        methods = client.get("/v2/models/m").json()["methods"]
        assert {one["name"]: one["explains"] for one in methods} == {
            "shapley": "one row",
            "partial_dependence": "the model",
        }
        wish = wishing(method="partial_dependence")
        over_reference = client.post(V1, json={"instances": []} | wish)
        assert over_reference.status_code == 200
        assert len(over_reference.json()["explanations"]) == 1
        assert over_reference.json()["predictions"] == [None]
        over_two = client.post(V1, json={"instances": ROWS} | wish).json()["explanations"]
        (output,) = client.post(V2, json={"inputs": []} | wish).json()["outputs"]
        assert len(over_two) == len(output["data"]) == 1
        assert over_two[0]["meta"]["explanations"] == ["global"]


def test_a_table_may_hold_more_rows_than_are_explained_one_by_one() -> None:
    with service(model(partial_dependence={}, shapley={}), max_rows=2, max_table=3) as client:
        wish = wishing(method="partial_dependence")
        for rows, code in ((3, 200), (4, 413)):
            told = client.post(V1, json={"instances": [ROW] * rows} | wish)
            assert told.status_code == code
        many = client.post(V1, json={"instances": [ROW] * 3})
        assert (many.status_code, "explainers.max_rows" in many.json()["error"]) == (413, True)
