"""What Triton's clients are told, as JSON; of gRPC its metadata and trailers too.

Arguments: the model, its rows, then pairs of addresses to ask over, of HTTP and gRPC.
"""
# mypy: disable-error-code="import-not-found,import-untyped,no-untyped-def,no-untyped-call"

from __future__ import annotations

import json
import sys

import grpc
import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

MODEL = sys.argv[1]
ROWS = np.array(json.loads(sys.argv[2]))
ADDRESSES = zip(sys.argv[3::2], sys.argv[4::2], strict=True)
OUTPUT = "y" if MODEL == "linear" else "predict"
TAKES_BINARY = MODEL == "linear"
OURS = ("x-request-id", "date")


def told(module, client, binary, name=MODEL):
    one = module.InferInput("x", list(ROWS.shape), "FP64")
    over_http = module is tritonclient.http
    more = {"binary_data": binary} if over_http else {}
    one.set_data_from_numpy(ROWS, **more)
    if over_http:
        more = {"outputs": [module.InferRequestedOutput(OUTPUT, binary_data=binary)]}
    try:
        answer = client.infer(name, [one], request_id="mine", **more)
    except InferenceServerException as exc:
        return ["refused", exc.status(), exc.message()]
    return answer.as_numpy(OUTPUT).tolist()


def bare_call(address, name):
    """As grpcio has it: answer, status, details, metadata before and after the answer."""
    tensor = service_pb2.ModelInferRequest.InferInputTensor(
        name="x", datatype="FP64", shape=ROWS.shape
    )
    tensor.contents.fp64_contents.extend(ROWS.ravel())
    asked = service_pb2.ModelInferRequest(model_name=name, id="mine", inputs=[tensor])
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        future = call.future(asked.SerializeToString(), metadata=[("tenant-bin", b"\0\1")])
        answer = future.result().hex() if future.exception() is None else ""
        before, after = future.initial_metadata(), future.trailing_metadata()
        kept = [sorted([k, str(v)] for k, v in one if k not in OURS) for one in (before, after)]
        return [answer, future.code().name, future.details(), kept]


def all_told(address, grpc_address):
    http = tritonclient.http.InferenceServerClient(address.removeprefix("http://"))
    rpc = tritonclient.grpc.InferenceServerClient(grpc_address)
    found = {
        "ready": [http.is_server_ready(), http.is_model_ready(MODEL), rpc.is_model_ready(MODEL)],
        "metadata": http.get_model_metadata(MODEL),
        "rpc metadata": str(rpc.get_model_metadata(MODEL)),
        "v2": told(tritonclient.http, http, False),
        "v2 nobody": told(tritonclient.http, http, False, "nobody"),
        "rpc raw": told(tritonclient.grpc, rpc, True),
        "rpc raw nobody": told(tritonclient.grpc, rpc, True, "nobody"),
        "bare": bare_call(grpc_address, MODEL),
        "bare nobody": bare_call(grpc_address, "nobody"),
    }
    if TAKES_BINARY:
        found["v2 binary"] = told(tritonclient.http, http, True)
    http.close()
    rpc.close()
    return found


print(json.dumps([all_told(*each) for each in ADDRESSES]))
