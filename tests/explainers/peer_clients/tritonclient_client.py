"""Explanations as Triton's clients get them, which send and want binary tensors by default."""
# mypy: disable-error-code="import-not-found,no-untyped-def,no-untyped-call"

from __future__ import annotations

import json
import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http

HTTP, GRPC = sys.argv[1:3]
ROW = json.loads(sys.argv[3])
WISHES = {"explain_parameters": '{"seed": 3}'}


def told(module, address, **more):
    client = module.InferenceServerClient(address)
    one = module.InferInput("x", [1, len(ROW)], "FP64")
    one.set_data_from_numpy(np.array([ROW]))
    answer = client.infer("m", [one], parameters=WISHES, **more)
    found = json.loads(answer.as_numpy("explanation").ravel()[0])
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.get_server_metadata()
    assert client.get_model_metadata("m")
    client.close()
    return found


output = tritonclient.http.InferRequestedOutput("explanation", binary_data=True)
print(
    json.dumps(
        {
            "v2 binary": told(tritonclient.http, HTTP.removeprefix("http://")),
            "v2 binary output": told(
                tritonclient.http, HTTP.removeprefix("http://"), outputs=[output]
            ),
            "grpc": told(tritonclient.grpc, GRPC),
        }
    )
)
