"""How a model is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from sidelight.config.addresses import Listen
from sidelight.config.section import Section
from sidelight.errors import ConfigError

TENSORS: dict[str, tuple[str, ...]] = {
    "v1": ("json",),
    "v2": ("json", "binary"),
    "grpc": ("raw", "typed"),
}
"""How tensors may travel in each protocol; the first is the default."""


_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_OURS = (
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "inference-header-content-length",
    "sidelight-purpose",
    "te",
    "transfer-encoding",
)
"""Headers that say what the body is, or how it travels."""


def _is_grpc(scheme: str, address: str) -> bool:
    """gRPC itself takes 443 for a port that is missing, and wraps one that is too large."""
    try:
        host = Listen.parse(address.rstrip("/")).host
    except ConfigError:
        return False
    return scheme in ("", "grpc", "grpcs") and not set(host) & set("/@")


class PredictorSettings(Section):
    """How a model is asked: at a server (`url`) or in this process (`model`), one of the two."""

    url: str | None = None
    """Base address of the model server: ``http://127.0.0.1:8080``, ``grpc://127.0.0.1:8081``; with
    TLS ``https://`` or ``grpcs://``. A transformer before the model is asked by giving its address,
    and features as the transformer takes them."""
    protocol: Literal["v1", "v2", "grpc"] = "v2"
    """KServe V1, the Open Inference Protocol (V2) over HTTP, or the same over gRPC, which an `url`
    that begins with ``grpc`` says too."""
    tensors: Literal["json", "binary", "raw", "typed"] | None = None
    """How tensors travel. v2: ``json``, or ``binary`` behind the JSON, for servers that know the
    extension (KServe, Triton). grpc: ``raw`` bytes or ``typed`` fields. The first when not set."""
    name: str | None = None
    """The model's name at the server, when it differs from the name in this file."""
    form: Literal["columns", "matrix"] = "columns"
    """columns: one input a feature, by name. matrix: one input holding all features in order."""
    inputs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Inputs that hold several features each, by the name that the server knows:
    ``{numeric: [age, hours], words: [job]}``. A feature that none names is an input of its own; an
    empty list takes all that no other names."""
    numbers: Literal["FP16", "FP32", "FP64", "INT32", "INT64"] | None = None
    """The datatype that numbers are sent in, for servers that take no other (Triton); as they come
    when not set."""
    output: str | None = None
    """The output explained and compared: ``NAME``, ``NAME[INDEX]`` of several numbers a row, or
    ``NAME=CLASS``, which is 1 where the output is that class; the first when not set."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """Deadline of one call."""
    max_batch_rows: int = Field(default=8192, ge=1)
    """Rows of one call; larger batches are sent in parts."""
    retries: int = Field(default=2, ge=0)
    """Tries again after a refused or lost connection, 502, 503, 504 or gRPC's UNAVAILABLE."""
    max_in_flight: int = Field(default=8, ge=1)
    """Calls that wait for an answer at one time; further ones wait for their turn."""
    max_answer_bytes: int = Field(default=64 << 20, ge=1)
    """An answer larger than this is refused."""
    cache_bytes: int = Field(default=64 << 20, ge=0)
    """Memory for answers that explanations share for a while; 0 keeps none. An explained row itself
    is always asked anew."""
    cache_seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """How long such an answer counts; all are dropped when the model's version changes."""
    ca_file: Path | None = None
    """Certificates (PEM) that the server's own must be signed by; the well-known when not set."""
    cert_file: Path | None = None
    """This client's certificate (PEM), for servers that ask for one."""
    key_file: Path | None = None
    """The certificate's private key (PEM, without a passphrase), unless it is in `cert_file`."""
    token: SecretStr | None = None
    """Sent as ``Authorization: Bearer`` with each call; `token_file` keeps it out of this file."""
    token_file: Path | None = None
    """A file that holds the token, such as a mounted secret; read again whenever it changes."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further headers of each call, over gRPC metadata; their values are never shown. ``host`` is
    what a gateway (Istio) routes by; ModelMesh wants ``mm-vmodel-id``."""
    model: Path | None = None
    """A model file for this process: ``.onnx``, ``.skops`` (scikit-learn), ``.json`` or ``.ubj``
    (XGBoost), ``.txt`` (LightGBM)."""
    artifact: Path | None = None
    """A file of the very model that `url` serves, in one of those forms: explainers read exact
    values off it, and check them against the server's answers."""
    trusted: tuple[str, ...] = ()
    """Types a ``.skops`` file may hold beyond those that skops trusts by itself."""
    sha256: str | None = None
    """Refuse the model file unless it has this hash."""

    @model_validator(mode="after")
    def _one_of_two(self) -> PredictorSettings:
        if (self.url is None) == (self.model is None):
            raise ValueError("set one of 'url' (a model server) and 'model' (a file)")
        return self

    @model_validator(mode="before")
    @classmethod
    def _protocol_of_url(cls, given: Any) -> Any:
        if isinstance(given, dict) and str(given.get("url")).startswith(("grpc://", "grpcs://")):
            return {"protocol": "grpc", **given}
        return given

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> PredictorSettings:
        scheme, _, address = (self.url or "").rpartition("://")
        if self.protocol == "grpc" and self.url and not _is_grpc(scheme, address):
            raise ValueError(f"{self.url!r} is no gRPC address; write grpc://HOST:PORT or grpcs://")
        if self.protocol != "grpc" and scheme in ("grpc", "grpcs"):
            raise ValueError(f"{self.url!r} speaks gRPC, not {self.protocol}; leave 'protocol' out")
        if self.protocol != "grpc" and self.url and scheme not in ("http", "https"):
            raise ValueError(f"{self.url!r} is no address of HTTP; write http:// or https:// first")
        if self.tensors and self.tensors not in TENSORS[self.protocol]:
            known = " or ".join(TENSORS[self.protocol])
            raise ValueError(f"{self.protocol} has no {self.tensors!r} tensors; write {known}")
        certified = self.ca_file or self.cert_file or self.key_file
        if certified and scheme not in ("https", "grpcs"):
            raise ValueError(f"{self.url!r} uses no certificates; write https:// or grpcs://")
        if self.key_file and not self.cert_file:
            raise ValueError("'key_file' needs the certificate it belongs to; set 'cert_file'")
        return self

    @model_validator(mode="after")
    def _inputs_fit(self) -> PredictorSettings:
        if not self.inputs:
            return self
        if self.form == "matrix":
            raise ValueError("'inputs' says what each input holds; leave 'form' out")
        if self.model is not None and self.model.suffix != ".onnx":
            raise ValueError("'inputs' belongs to a server or an .onnx file; leave it out")
        if sum(not group for group in self.inputs.values()) > 1:
            raise ValueError("'inputs': only one can take all features that no other names")
        every = [one for group in self.inputs.values() for one in group]
        twice = next((one for one in every if every.count(one) > 1), None)
        if twice is not None:
            raise ValueError(f"'inputs' names the feature {twice!r} twice")
        return self

    @model_validator(mode="after")
    def _belongs_to_a_server(self) -> PredictorSettings:
        of_servers = ("token", "token_file", "headers", "artifact")
        told = [name for name in of_servers if getattr(self, name)]
        if told and self.url is None:
            raise ValueError(f"{told[0]!r} belongs to a model server; leave it out beside 'model'")
        if self.token and self.token_file:
            raise ValueError("set one of 'token' and 'token_file'")
        if (self.token or self.token_file) and "authorization" in self.headers:
            raise ValueError("a token is the header 'authorization'; set one of the two")
        if self.protocol == "grpc" and any(one.endswith("-bin") for one in self.headers):
            raise ValueError("'headers' ending in -bin hold bytes in gRPC; use another name")
        return self

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} is no name of a header")
            if name.lower() in _OURS:
                raise ValueError(f"{name!r} is set by the protocol itself; leave it out")
            if not _VALUE.fullmatch(value.get_secret_value()):
                raise ValueError(f"the value of {name!r} has characters that no header can hold")
        return {name.lower(): value for name, value in headers.items()}

    @property
    def form_of_tensors(self) -> str:
        """How tensors travel, also when it was left to the protocol."""
        return self.tensors or TENSORS[self.protocol][0]
