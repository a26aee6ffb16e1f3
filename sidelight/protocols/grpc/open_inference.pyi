from collections.abc import Sequence
from pathlib import Path

from google.protobuf.internal.containers import (
    MessageMap,
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
)
from google.protobuf.message import DecodeError as DecodeError
from google.protobuf.message import Message as Message

COMPILED: Path
SERVICE: str

class ServerLiveRequest(Message): ...

class ServerLiveResponse(Message):
    live: bool
    def __init__(self, *, live: bool = ...) -> None: ...

class ServerReadyRequest(Message): ...

class ServerReadyResponse(Message):
    ready: bool
    def __init__(self, *, ready: bool = ...) -> None: ...

class ModelReadyRequest(Message):
    name: str
    version: str
    def __init__(self, *, name: str = ..., version: str = ...) -> None: ...

class ModelReadyResponse(Message):
    ready: bool
    def __init__(self, *, ready: bool = ...) -> None: ...

class ServerMetadataRequest(Message): ...

class ServerMetadataResponse(Message):
    name: str
    version: str
    extensions: RepeatedScalarFieldContainer[str]
    def __init__(
        self, *, name: str = ..., version: str = ..., extensions: Sequence[str] = ...
    ) -> None: ...

class ModelMetadataRequest(Message):
    name: str
    version: str
    def __init__(self, *, name: str = ..., version: str = ...) -> None: ...

class ModelMetadataResponse(Message):
    class TensorMetadata(Message):
        name: str
        datatype: str
        shape: RepeatedScalarFieldContainer[int]
        def __init__(
            self, *, name: str = ..., datatype: str = ..., shape: Sequence[int] = ...
        ) -> None: ...

    name: str
    versions: RepeatedScalarFieldContainer[str]
    platform: str
    inputs: RepeatedCompositeFieldContainer[TensorMetadata]
    outputs: RepeatedCompositeFieldContainer[TensorMetadata]
    def __init__(
        self,
        *,
        name: str = ...,
        versions: Sequence[str] = ...,
        platform: str = ...,
        inputs: Sequence[TensorMetadata] = ...,
        outputs: Sequence[TensorMetadata] = ...,
    ) -> None: ...

class ModelInferRequest(Message):
    class InferInputTensor(Message):
        name: str
        datatype: str
        shape: RepeatedScalarFieldContainer[int]
        @property
        def parameters(self) -> MessageMap[str, InferParameter]: ...
        @property
        def contents(self) -> InferTensorContents: ...

    class InferRequestedOutputTensor(Message):
        name: str
        @property
        def parameters(self) -> MessageMap[str, InferParameter]: ...

    model_name: str
    model_version: str
    id: str
    inputs: RepeatedCompositeFieldContainer[InferInputTensor]
    outputs: RepeatedCompositeFieldContainer[InferRequestedOutputTensor]
    raw_input_contents: RepeatedScalarFieldContainer[bytes]
    @property
    def parameters(self) -> MessageMap[str, InferParameter]: ...
    def __init__(
        self, *, model_name: str = ..., model_version: str = ..., id: str = ...
    ) -> None: ...

class ModelInferResponse(Message):
    class InferOutputTensor(Message):
        name: str
        datatype: str
        shape: RepeatedScalarFieldContainer[int]
        @property
        def parameters(self) -> MessageMap[str, InferParameter]: ...
        @property
        def contents(self) -> InferTensorContents: ...

    model_name: str
    model_version: str
    id: str
    outputs: RepeatedCompositeFieldContainer[InferOutputTensor]
    raw_output_contents: RepeatedScalarFieldContainer[bytes]
    @property
    def parameters(self) -> MessageMap[str, InferParameter]: ...
    def __init__(
        self, *, model_name: str = ..., model_version: str = ..., id: str = ...
    ) -> None: ...

class InferParameter(Message):
    bool_param: bool
    int64_param: int
    string_param: str
    double_param: float
    uint64_param: int

class InferTensorContents(Message):
    bool_contents: RepeatedScalarFieldContainer[bool]
    int_contents: RepeatedScalarFieldContainer[int]
    int64_contents: RepeatedScalarFieldContainer[int]
    uint_contents: RepeatedScalarFieldContainer[int]
    uint64_contents: RepeatedScalarFieldContainer[int]
    fp32_contents: RepeatedScalarFieldContainer[float]
    fp64_contents: RepeatedScalarFieldContainer[float]
    bytes_contents: RepeatedScalarFieldContainer[bytes]
