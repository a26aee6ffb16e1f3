"""Explanations as clients of MLServer's explainers get them, through its own types and codecs."""
# mypy: disable-error-code="import-not-found,no-untyped-def,no-untyped-call"

from __future__ import annotations

import json
import sys
import urllib.request

import grpc  # type: ignore[import-untyped]
import numpy as np
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.grpc import converters, dataplane_pb2_grpc
from mlserver.types import InferenceRequest, InferenceResponse, Parameters

HTTP, GRPC = sys.argv[1:3]
ROW = json.loads(sys.argv[3])


def request(wishes):
    one = NumpyCodec.encode_input("x", np.array([ROW]))
    return InferenceRequest(inputs=[one], parameters=Parameters(explain_parameters=wishes))


def text(response):
    (output,) = response.outputs
    assert (output.name, output.shape) == ("explanation", [1, 1])
    return json.loads(StringCodec.decode_output(output)[0])


def over_http():
    body = request({"seed": 3}).model_dump_json().encode()
    headers = {"content-type": "application/json"}
    asked = urllib.request.Request(f"{HTTP}/v2/models/m/infer", body, headers)
    with urllib.request.urlopen(asked) as answer:
        return text(InferenceResponse.model_validate_json(answer.read()))


def over_grpc():
    message = converters.ModelInferRequestConverter.from_types(
        request('{"seed": 3}'), model_name="m", model_version=None
    )
    with grpc.insecure_channel(GRPC) as channel:
        stub = dataplane_pb2_grpc.GRPCInferenceServiceStub(channel)
        return text(converters.ModelInferResponseConverter.to_types(stub.ModelInfer(message)))


print(json.dumps({"v2": over_http(), "grpc": over_grpc()}))
