"""What the agent's flags set, and which of them the logger cannot do."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sidelight.errors import ConfigError
from sidelight_logger.agent.flags import AgentFlags
from sidelight_logger.agent.spelling import is_true, listed, seconds

KSERVE = "kserve"
"""The sink that `--log-url` names."""

PORT = 9081
METRICS_PORT = 9089
"""Of the agent when it has metrics; the queue-proxy in the same pod holds 9090 and 9091."""
QUIET_SECONDS = 30.0
"""The agent serves on for so long after SIGTERM, since the queue-proxy before it does too."""
CERTIFICATES = Path("/etc/tls/logger")
_CERTIFICATE = "service-ca.crt"
_CONFIG = "sidelight.yaml"

_PULLER = (
    "the logger pulls no models; leave the agent's image of services with a model puller "
    "(multi-model serving) as it is"
)
_BATCHER = (
    "the logger does not batch; take 'batcher' out of the service and let the model server batch "
    "(MLServer, Triton and KServe's own can), or leave the agent's image as it is"
)
_MARSHALLER = (
    "records are written as json, csv or parquet here, by no other service; take 'marshallerUrl' "
    "out of the service or the ConfigMap and name the format in storage.parameters.format"
)
_REFUSED = MappingProxyType(
    {
        **dict.fromkeys(("enable_puller", "config_dir", "model_dir"), _PULLER),
        **dict.fromkeys(("enable_batcher", "max_batchsize", "max_latency"), _BATCHER),
        "log_marshaller_url": _MARSHALLER,
    }
)


def settings_of(flags: AgentFlags) -> dict[str, Any]:
    """The settings that the flags name, None for one that was not given."""
    _refuse(flags)
    named = flags.inference_service, flags.namespace, flags.endpoint, flags.component
    return {
        "logger.listen": _everywhere(flags.port),
        "logger.upstream": _server(flags.component_port),
        "logger.metrics": _everywhere(flags.metrics_port),
        "logger.kserve_metrics": None if flags.metrics_port is None else True,
        "logger.mode": flags.log_mode or None,
        "logger.source": flags.source_uri,
        **dict(zip(_NAMES, named, strict=True)),
        "logger.headers": _given(flags.metadata_headers),
        "logger.annotations": _pairs(flags.metadata_annotations or ()) or None,
        **(_sink(flags) if flags.log_url else {}),
    }


_NAMES = ("logger.inference_service", "logger.namespace", "logger.endpoint", "logger.component")


def stands_in(flags: AgentFlags) -> bool:
    """Whether the logger takes the agent's place: KServe's webhook always names this port."""
    return flags.component_port is not None


def mounted(flags: AgentFlags) -> Path | None:
    """A configuration beside the certificates: the one place where KServe mounts a ConfigMap
    (`caBundle`) into a container that its webhook adds."""
    file = CERTIFICATES / _CONFIG
    return file if stands_in(flags) and file.is_file() else None


def usual() -> dict[str, Any]:
    """What holds in the agent's place where nothing else is said."""
    return {
        "logger.listen": _everywhere(PORT),
        "logger.metrics": _everywhere(METRICS_PORT),
        "logger.quiet_seconds": QUIET_SECONDS,
    }


def grace_seconds(environ: Mapping[str, str]) -> float:
    """How long the pod lets us end, less a little: the request timeout of its Knative revision
    (which is the pod's grace period too), or what Kubernetes grants usually."""
    timeout = environ.get("REVISION_TIMEOUT_SECONDS", "")
    return max(float(timeout) if timeout.isdecimal() else 30.0, 6.0) - 5.0


def _refuse(flags: AgentFlags) -> None:
    for name, way_out in _REFUSED.items():
        value = getattr(flags, name)
        flag = "--" + name.replace("_", "-")
        if value and not (name.startswith("enable") and not is_true(flag, value)):
            raise ConfigError(f"{flag}: {way_out}")


def _sink(flags: AgentFlags) -> dict[str, Any]:
    verify = flags.logger_tls_skip_verify
    interval = flags.log_batch_interval
    fields = {
        "url": flags.log_url,
        "ca_file": _certificates(flags),
        "connections": flags.workers,
        "verify": None if not verify else not is_true("--logger-tls-skip-verify", verify),
        "files.path": flags.log_store_path or None,
        "files.format": flags.log_store_format or None,
        "files.batch_records": flags.log_batch_size,
        "files.batch_seconds": (interval and seconds("--log-batch-interval", interval)) or None,
    }
    return {f"logger.sinks.{KSERVE}.{name}": value for name, value in fields.items()}


def _certificates(flags: AgentFlags) -> str | None:
    """The file that KServe mounts; where it is missing, the system's certificates hold."""
    file = CERTIFICATES / (flags.logger_ca_cert_file or _CERTIFICATE)
    is_asked = stands_in(flags) or flags.logger_ca_cert_file
    return str(file) if is_asked and file.is_file() else None


def _pairs(texts: list[str] | tuple[()]) -> dict[str, str]:
    """``k=v,k=v``; a part without ``=`` belongs to the value before it, which held a comma."""
    return dict(_joined(part for text in texts for part in text.split(",") if part))


def _joined(parts: Iterator[str]) -> Iterator[tuple[str, str]]:
    key, value = "", ""
    for part in parts:
        name, equals, text = part.partition("=")
        if not equals and not key:
            raise ConfigError(f"--metadata-annotations: {part!r} is no pair; write NAME=VALUE")
        if not equals:
            value = f"{value},{part}"
            continue
        if key:
            yield key, value
        key, value = name, text
    if key:
        yield key, value


def _given(texts: list[str] | None) -> list[str] | None:
    return (texts and listed(texts)) or None


def _server(port: int | None) -> str | None:
    return None if port is None else f"http://127.0.0.1:{port}"


def _everywhere(port: int | None) -> str | None:
    """Every interface, of both families where the machine has both."""
    host = "[::]" if socket.has_dualstack_ipv6() else "0.0.0.0"  # noqa: S104 - what the agent does
    return None if port is None else f"{host}:{port}"
