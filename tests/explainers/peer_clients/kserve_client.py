"""Explanations as the KServe SDK's own clients get them: V1, V2 over REST and over gRPC."""
# mypy: disable-error-code="import-not-found,no-untyped-def,no-untyped-call"

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

HTTP, GRPC = sys.argv[1:3]
ROW = json.loads(sys.argv[3])
WISHES = {"explain_parameters": json.dumps({"seed": 3})}


def request(binary):
    one = InferInput("x", [1, len(ROW)], "FP64")
    one.set_data_from_numpy(np.array([ROW]), binary_data=binary)
    return InferRequest("m", [one], parameters=WISHES)


def text(response):
    (output,) = response.outputs
    assert output.name == "explanation"
    found = output.as_numpy().ravel()[0]
    return json.loads(found if isinstance(found, str) else found.decode())


async def told():
    v1 = InferenceRESTClient(RESTConfig(protocol="v1"))
    v2 = InferenceRESTClient(RESTConfig(protocol="v2"))
    answer = await v1.explain(HTTP, "m", {"instances": [ROW], "parameters": WISHES})
    grpc = InferenceGRPCClient(GRPC)
    return {
        "ready": await v2.is_server_ready(HTTP) and await v2.is_model_ready(HTTP, "m"),
        "grpc ready": await grpc.is_server_ready() and await grpc.is_model_ready("m"),
        "v1": answer["explanations"][0],
        "v2": text(await v2.infer(HTTP, request(False), model_name="m")),
        "v2 binary": text(await v2.infer(HTTP, request(True), model_name="m")),
        "grpc": text(await grpc.infer(request(False))),
        "grpc raw": text(await grpc.infer(request(True))),
    }


print(json.dumps(asyncio.run(told())))
