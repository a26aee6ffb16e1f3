"""The messages of the Open Inference Protocol over gRPC, as `open_inference.proto` has them.

They live in a descriptor pool of their own: kserve, mlserver and tritonclient register the same
names in protobuf's default pool, and a pool takes a name only once.
"""

from __future__ import annotations

from pathlib import Path

from sidelight.errors import MissingExtra

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError as DecodeError
    from google.protobuf.message import Message as Message
except ImportError as exc:
    raise MissingExtra(f"gRPC needs protobuf ({exc}); run: pip install 'sidelight[grpc]'") from exc

COMPILED = Path(__file__).with_suffix(".binpb")
SERVICE = "inference.GRPCInferenceService"

_FILES = descriptor_pb2.FileDescriptorSet.FromString(COMPILED.read_bytes())
_POOL = descriptor_pool.DescriptorPool()
for _file in _FILES.file:
    _POOL.Add(_file)


def _message(name: str) -> type[Message]:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"inference.{name}"))


ServerLiveRequest = _message("ServerLiveRequest")
ServerLiveResponse = _message("ServerLiveResponse")
ServerReadyRequest = _message("ServerReadyRequest")
ServerReadyResponse = _message("ServerReadyResponse")
ModelReadyRequest = _message("ModelReadyRequest")
ModelReadyResponse = _message("ModelReadyResponse")
ServerMetadataRequest = _message("ServerMetadataRequest")
ServerMetadataResponse = _message("ServerMetadataResponse")
ModelMetadataRequest = _message("ModelMetadataRequest")
ModelMetadataResponse = _message("ModelMetadataResponse")
ModelInferRequest = _message("ModelInferRequest")
ModelInferResponse = _message("ModelInferResponse")
InferParameter = _message("InferParameter")
InferTensorContents = _message("InferTensorContents")
