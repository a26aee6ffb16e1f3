"""Foreign clients ask the detectors: Triton's, KServe's, and MLServer's own codecs read them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import numpy as np
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.detectors.asking import app_of, asked
from tests.detectors.traffic import MODEL, plan, rows
from tests.peers import peer_python

PLAN = plan(window=100)
PART = rows(50, 5)

_TRITON = """
import json, sys
import numpy as np
import tritonclient.http as triton
rows = json.load(sys.stdin)
client = triton.InferenceServerClient(sys.argv[1])
assert client.is_server_ready() and client.is_server_live()
assert client.is_model_ready("income")
names = [one["name"] for one in client.get_model_metadata("income")["inputs"]]
assert names == ["age", "sex", "score"], names
def tensor(name, datatype, values):
    one = triton.InferInput(name, [len(values)], datatype)
    one.set_data_from_numpy(values, binary_data=True)
    return one
inputs = [
    tensor("age", "FP64", np.array(rows["age"])),
    tensor("sex", "BYTES", np.array([text.encode() for text in rows["sex"]], object)),
    tensor("score", "FP64", np.array(rows["score"])),
]
wanted = ["outlier.instance_score", "outlier.p_val", "drift.p_val", "drift.is_drift"]
outputs = [triton.InferRequestedOutput(name, binary_data=True) for name in wanted]
answer = client.infer("income", inputs, outputs=outputs)
print(json.dumps({name: answer.as_numpy(name).ravel().tolist() for name in wanted}))
"""

_KSERVE = """
import asyncio, json, sys
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
rows = json.load(sys.stdin)
inputs = [
    InferInput("age", [len(rows["age"])], "FP64", rows["age"]),
    InferInput("sex", [len(rows["sex"])], "BYTES", rows["sex"]),
    InferInput("score", [len(rows["score"])], "FP64", rows["score"]),
]
async def ask():
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_model_ready(sys.argv[1], "income")
    request = InferRequest("income", inputs, request_id="7")
    answer = await client.infer(sys.argv[1], request, model_name="income")
    await client.close()
    assert answer.id == "7"
    return {one.name: one.as_numpy().ravel().tolist() for one in answer.outputs}
print(json.dumps(asyncio.run(ask())))
"""

_MLSERVER = """
import json, sys, urllib.request
import pandas as pd
from mlserver.codecs import NumpyCodec, PandasCodec
from mlserver.types import InferenceResponse
rows = pd.DataFrame(json.load(sys.stdin)).astype({"sex": object})
body = PandasCodec.encode_request(rows).model_dump_json(exclude_none=True).encode()
asked = urllib.request.Request(
    sys.argv[1] + "/v2/models/income/infer", body, {"content-type": "application/json"}
)
answer = InferenceResponse.model_validate_json(urllib.request.urlopen(asked).read())
print(json.dumps({
    one.name: NumpyCodec.decode_output(one).ravel().tolist() for one in answer.outputs
}))
"""


def told(peer: str, program: str) -> dict[str, list[float]]:
    """What the peer's client reads."""
    python = peer_python(peer)
    document = json.dumps({column.name: column.values.tolist() for column in PART})
    with asked(PLAN) as client:
        url = str(client.base_url).rstrip("/")
        address = url.removeprefix("http://") if peer == "tritonclient" else url
        ran = subprocess.run(
            [python, "-c", program, address], input=document, capture_output=True, text=True
        )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found: dict[str, list[float]] = json.loads(ran.stdout.splitlines()[-1])
    return found


def check(found: dict[str, list[float]]) -> None:
    seen = PLAN.fitted.observe(PLAN.fitted.index(PART))
    scores = seen.scores["outlier"]
    assert np.array_equal(found["outlier.instance_score"], scores.scores)
    assert np.array_equal(found["outlier.p_val"], scores.p_values)
    columns = PLAN.fitted.judge(seen.summary, 1).columns
    assert found["drift.p_val"] == [column.p_value for column in columns]
    assert found["drift.is_drift"] == [0]


def test_tritons_client_asks_with_binary_tensors() -> None:
    check(told("tritonclient", _TRITON))


def test_kserves_client_asks_with_json() -> None:
    check(told("kserve", _KSERVE))


def test_mlservers_codecs_write_the_request_and_read_the_answer() -> None:
    check(told("mlserver", _MLSERVER))


SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", app_of(PLAN))


@SCHEMA.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_every_answer_is_in_the_document(case: Any) -> None:
    if "model" in (case.path_parameters or {}):
        case.path_parameters["model"] = MODEL
    case.call_and_validate(
        checks=[
            schemathesis.checks.not_a_server_error,
            status_code_conformance,
            response_schema_conformance,
        ]
    )
