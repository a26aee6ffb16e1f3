"""Which requests ask after the server, and not for a prediction."""

from __future__ import annotations

from sidelight.protocols.routes import Route
from sidelight_logger.recorder.describing.heads import RequestHead

_QUIET_VERBS = frozenset({"ready", "live", "metadata", "list"})
_QUIET_PATHS = frozenset({"/", "/metrics", "/health", "/healthz", "/livez", "/readyz"})


def is_probe(head: RequestHead, target: Route) -> bool:
    """True for what is not recorded."""
    if target.verb in _QUIET_VERBS:
        return True
    if head.method not in ("GET", "HEAD"):
        return False  # whatever its headers say: nobody may hide a query from the log
    if head.fields.get("user-agent", "").startswith("kube-probe/"):
        return True
    return "k-network-probe" in head.fields or head.path in _QUIET_PATHS
