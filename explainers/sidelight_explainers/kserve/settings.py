"""What KServe tells an explainer's container, as settings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidelight.config.addresses import Listen
from sidelight.config.fields import Key
from sidelight.config.layers import CONFIG_VARIABLE
from sidelight.config.loading import DEFAULT_FILE
from sidelight.config.settings import Settings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.tables import read_table
from sidelight_explainers.kserve.arguments import Protocol
from sidelight_explainers.kserve.defaults import with_default_methods

MOUNTED = Path("/mnt/models")
"""Where KServe puts what the explainer's `storageUri` names."""
REFERENCES = ("reference.parquet", "reference.csv")
GRPC_PORT = 8081
EVERY_INTERFACE = "0.0.0.0"  # noqa: S104 - a container's own, as KServe's server has it


@dataclass(frozen=True)
class Predictor:
    """The model to explain and how its server is reached; None is what was not told."""

    model: str
    host: str | None = None
    protocol: Protocol = Protocol.v1
    uses_tls: bool = False
    timeout_seconds: int | None = None
    retries: int | None = None

    def flags(self) -> dict[Key, Any]:
        """As settings of that model."""
        if self.host is None:
            return {}
        told = {
            "url": self.host if "://" in self.host else self._url(self.host),
            "protocol": self.protocol.removesuffix("-v2"),
            "timeout_seconds": self.timeout_seconds,
            "retries": self.retries,
        }
        return {("models", self.model, "predictor", name): value for name, value in told.items()}

    def _url(self, host: str) -> str:
        if self.protocol is not Protocol.grpc:
            return f"{'https' if self.uses_tls else 'http'}://{host}"
        # KServe names no port and means that of its gateway; an address of gRPC has one.
        port = "" if re.search(r":[0-9]+$", host) else ":443" if self.uses_tls else ":80"
        return f"{'grpcs' if self.uses_tls else 'grpc'}://{host}{port}"


@dataclass(frozen=True)
class Listening:
    """Where to listen: an address, or KServe's ports on every interface of the container."""

    listen: str | None = None
    http_port: int | None = None
    grpc_port: int | None = None
    enable_grpc: bool | None = None

    def flags(self) -> dict[Key, Any]:
        http = self.listen if self.http_port is None else str(self._at(self.http_port))
        return {
            ("explainers", "listen"): http,
            ("explainers", "grpc_listen"): self._grpc(),
        }

    def _grpc(self) -> str | None:
        is_wanted = self.grpc_port is not None if self.enable_grpc is None else self.enable_grpc
        port = GRPC_PORT if self.grpc_port is None else self.grpc_port
        return str(self._at(port)) if is_wanted else None

    def _at(self, port: int) -> Listen:
        host = EVERY_INTERFACE if self.listen is None else Listen.parse(self.listen).host
        return Listen(host, port)


def reference_flags(model: str, reference: Path | None, features: Sequence[str]) -> dict[Key, Any]:
    """The reference of the model, and which of its columns are the inputs; none are all."""
    key = ("models", model)
    kinds = _kinds(reference, features) if features else {}
    told = None if reference is None else str(reference)
    named: dict[Key, Any] = {(*key, "features", name): kind for name, kind in kinds.items()}
    return {(*key, "reference"): told} | named


def _kinds(reference: Path | None, features: Sequence[str]) -> dict[str, str]:
    """What the reference's columns of these names hold."""
    if reference is None:
        raise ConfigError("--features needs --reference, which says what they are")
    try:
        columns = read_table(reference).select(tuple(features))
    except DataMismatch as exc:
        raise ConfigError(f"--features: {reference}: {exc}") from exc
    numeric = ("number", "boolean")
    return {one.name: "numeric" if one.kind in numeric else "categorical" for one in columns}


def configuration(given: Path | None, folder: Path = MOUNTED) -> Path | None:
    """The configuration given or usual, else the one that KServe has mounted."""
    if given or os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE.exists():
        return given
    return _first_there([folder / DEFAULT_FILE.name])


def reference(given: Path | None, file: Path | None, folder: Path = MOUNTED) -> Path | None:
    """The reference given, else (without a configuration file) the one that KServe has mounted."""
    if given or file or os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE.exists():
        return given
    return _first_there([folder / name for name in REFERENCES])


def with_methods(settings: Settings, model: str) -> Settings:
    """The settings in which that model has methods, the usual ones where none are configured."""
    if model not in settings.models:
        raise ConfigError(f"--model_name {model}: say where it is with --predictor_host")
    told: Mapping[str, Any] = {model: with_default_methods(settings.models[model])}
    return settings.model_copy(update={"models": {**settings.models, **told}})


def _first_there(files: Iterable[Path]) -> Path | None:
    return next((file for file in files if file.is_file()), None)
