"""Triton's own client: it writes requests and reads responses."""
# mypy: disable-error-code="import-not-found,no-untyped-def,no-untyped-call"

from __future__ import annotations

import numpy as np
import tritonclient.grpc
import tritonclient.grpc._utils
import tritonclient.http
from exchange import Body, Tensors, cells, serve, texts
from tritonclient.grpc import service_pb2
from tritonclient.utils import triton_to_np_dtype

NO_MORE = ("", "", None, 0, False, False, 0, None, None)


def read(form: str, body: Body) -> Tensors:
    content, length = body
    if form == "binary response":
        found = tritonclient.http.InferResult.from_response_body(content, header_length=length)
        heads = found.get_response()["outputs"]
    else:
        message = service_pb2.ModelInferResponse.FromString(content)
        found = tritonclient.grpc.InferResult(message)
        heads = found.get_response(as_json=True)["outputs"]
    return [
        {
            "name": head["name"],
            "datatype": head["datatype"],
            "shape": [int(size) for size in head["shape"]],
            "data": texts(found.as_numpy(head["name"]).ravel().tolist()),
        }
        for head in heads
    ]


def write(form: str, tensors: Tensors) -> Body:
    if form == "binary request":
        given = [_given(tritonclient.http.InferInput, one) for one in tensors]
        return tritonclient.http.InferenceServerClient.generate_request_body(given)
    given = [_given(tritonclient.grpc.InferInput, one) for one in tensors]
    request = tritonclient.grpc._utils._get_inference_request("m", given, *NO_MORE)
    return request.SerializeToString(), None


def _given(kind, tensor):
    dtype = triton_to_np_dtype(tensor["datatype"])
    values = np.array(cells(tensor), dtype).reshape(tensor["shape"])
    return kind(tensor["name"], tensor["shape"], tensor["datatype"]).set_data_from_numpy(values)


serve(read, write)
