"""The KServe SDK's own gRPC and binary REST encodings."""
# mypy: disable-error-code="import-not-found,no-untyped-def,no-untyped-call"

from __future__ import annotations

import numpy as np
from exchange import Body, Tensors, cells, serve, texts
from kserve import InferInput, InferOutput, InferRequest, InferResponse
from kserve.protocol.grpc.grpc_predict_v2_pb2 import ModelInferRequest, ModelInferResponse
from kserve.utils.numpy_codec import to_np_dtype


def read(form: str, body: Body) -> Tensors:
    tensors = _read(form, *body)
    return [
        {
            "name": one.name,
            "datatype": one.datatype,
            "shape": list(one.shape),
            "data": texts(one.as_numpy().ravel().tolist()),
        }
        for one in tensors
    ]


def _read(form, content, length):
    if form == "binary request":
        return InferRequest.from_bytes(content, length, "m").inputs
    if form == "binary response":
        return InferResponse.from_bytes(content, length).outputs
    if form.endswith("request"):
        return InferRequest.from_grpc(ModelInferRequest.FromString(content)).inputs
    return InferResponse.from_grpc(ModelInferResponse.FromString(content)).outputs


def write(form: str, tensors: Tensors) -> Body:
    kind = InferInput if form.endswith("request") else InferOutput
    given = [_given(kind, one, "typed" not in form) for one in tensors]
    if form.endswith("request"):
        made = InferRequest(model_name="m", infer_inputs=given, request_id="1")
    else:
        binary = "typed" not in form
        made = InferResponse("1", "m", given, use_binary_outputs=binary)
    if form.startswith("binary"):
        return made.to_rest()
    return made.to_grpc().SerializeToString(), None


def _given(kind, tensor, raw):
    tensor_ = kind(tensor["name"], tensor["shape"], tensor["datatype"], cells(tensor))
    if raw:
        dtype = to_np_dtype(tensor["datatype"])
        values = np.array(cells(tensor), dtype).reshape(tensor["shape"])
        tensor_.set_data_from_numpy(values, binary_data=True)
    return tensor_


serve(read, write)
