"""What KServe's own inference clients are told, as JSON: REST V1 and V2, gRPC typed and raw.

Arguments: the model, its rows, then pairs of addresses to ask over, of HTTP and gRPC.
"""
# mypy: disable-error-code="import-not-found,import-untyped,no-untyped-def,no-untyped-call"

from __future__ import annotations

import asyncio
import json
import sys

import grpc
import httpx
import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

MODEL = sys.argv[1]
ROWS = np.array(json.loads(sys.argv[2]))
ADDRESSES = zip(sys.argv[3::2], sys.argv[4::2], strict=True)
IS_KSERVE = MODEL == "linear"
"""MLServer has no V1, and its readiness no body, which this client wants."""


def request(binary, name=MODEL):
    one = InferInput("x", list(ROWS.shape), "FP64")
    one.set_data_from_numpy(ROWS, binary_data=binary)
    return InferRequest(name, [one], request_id="mine")


async def told(answering):
    try:
        answer = await answering
    except httpx.HTTPStatusError as exc:
        return ["refused", exc.response.status_code, exc.response.text]
    except grpc.RpcError as exc:
        return ["refused", exc.code().name, exc.details()]
    if isinstance(answer, dict):
        return answer
    outputs = [[one.name, one.datatype, one.as_numpy().tolist()] for one in answer.outputs]
    return [answer.id, answer.model_name, answer.model_version, outputs]


async def all_told(address, grpc_address):
    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    v2 = InferenceRESTClient(RESTConfig(protocol="v2"))
    rpc = InferenceGRPCClient(grpc_address)
    found = {
        "rpc ready": await rpc.is_server_ready() and await rpc.is_model_ready(MODEL),
        "v2": await told(v2.infer(address, request(False), model_name=MODEL)),
        "v2 nobody": await told(v2.infer(address, request(False, "nobody"), model_name="nobody")),
        "rpc": await told(rpc.infer(request(False))),
        "rpc nobody": await told(rpc.infer(request(False, "nobody"))),
        "rpc raw": await told(rpc.infer(request(True))),
    }
    if IS_KSERVE:
        found["ready"] = await v2.is_server_ready(address) and await v2.is_model_ready(
            address, MODEL
        )
        found["v2 binary"] = await told(v2.infer(address, request(True), model_name=MODEL))
        found["v1"] = await told(v1.infer(address, {"instances": ROWS.tolist()}, model_name=MODEL))
    await rpc.close()
    return found


print(json.dumps([asyncio.run(all_told(*each)) for each in ADDRESSES]))
