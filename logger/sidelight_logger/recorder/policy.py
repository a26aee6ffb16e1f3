"""What is recorded of an exchange, and what never reaches the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sidelight.protocols.routes import Route
from sidelight_logger.recorder.heads import Fields, RequestHead

NEVER = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
"""Header fields that are never kept, whatever the configuration says."""

_QUIET_VERBS = frozenset({"ready", "live", "metadata", "list"})
_QUIET_PATHS = frozenset({"/", "/metrics", "/health", "/healthz", "/livez", "/readyz"})


@dataclass(frozen=True)
class Policy:
    """`headers` are the request headers to keep, `redacted` those never kept; lower case."""

    mode: Literal["all", "request", "response"] = "all"
    headers: frozenset[str] = frozenset()
    redacted: frozenset[str] = field(default=NEVER)

    @property
    def keeps_request(self) -> bool:
        return self.mode != "response"

    @property
    def keeps_response(self) -> bool:
        return self.mode != "request"

    def kept(self, fields: Fields) -> dict[str, str]:
        """The header fields that may be kept."""
        return {name: fields[name] for name in fields if name in self.headers - self.redacted}


def policy(
    mode: Literal["all", "request", "response"],
    headers: tuple[str, ...],
    redacted: tuple[str, ...],
) -> Policy:
    """A policy from names in any case."""
    lower = frozenset(name.lower() for name in headers)
    return Policy(mode, lower, NEVER | {name.lower() for name in redacted})


def is_probe(head: RequestHead, target: Route) -> bool:
    """True for what asks after the server, not for a prediction: these are not recorded."""
    if target.verb in _QUIET_VERBS:
        return True
    if head.method not in ("GET", "HEAD"):
        return False  # whatever its headers say: nobody may hide a query from the log
    if head.fields.get("user-agent", "").startswith("kube-probe/"):
        return True
    return "k-network-probe" in head.fields or head.path in _QUIET_PATHS
