"""MLServer's own gRPC converters."""
# mypy: disable-error-code="import-not-found,no-untyped-def,no-untyped-call"

from __future__ import annotations

from exchange import Body, Tensors, cells, serve, texts
from mlserver import types
from mlserver.grpc import converters
from mlserver.grpc import dataplane_pb2 as pb

MESSAGES = {
    "request": (pb.ModelInferRequest, converters.ModelInferRequestConverter, "inputs"),
    "response": (pb.ModelInferResponse, converters.ModelInferResponseConverter, "outputs"),
}


def read(form: str, body: Body) -> Tensors:
    message, converter, side = MESSAGES[form.split()[-1]]
    found = converter.to_types(message.FromString(body[0]))
    return [
        {
            "name": one.name,
            "datatype": str(one.datatype),
            "shape": one.shape,
            "data": texts(one.data),
        }
        for one in getattr(found, side)
    ]


def write(form: str, tensors: Tensors) -> Body:
    raw = "raw" in form
    if form.endswith("request"):
        asked = types.InferenceRequest(inputs=[_given(types.RequestInput, one) for one in tensors])
        made = converters.ModelInferRequestConverter.from_types(asked, "m", use_raw=raw)
    else:
        outputs = [_given(types.ResponseOutput, one) for one in tensors]
        answer = types.InferenceResponse(model_name="m", outputs=outputs)
        made = converters.ModelInferResponseConverter.from_types(answer, use_raw=raw)
    return made.SerializeToString(), None


def _given(kind, tensor):
    return kind(**{**tensor, "data": cells(tensor)})


serve(read, write)
