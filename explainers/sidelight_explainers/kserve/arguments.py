"""KServe's arguments as the command line has them; light, since ``--help`` imports it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

WITHOUT_EFFECT = {
    "--max_threads": 1,
    "--max_asyncio_workers": 1,
    "--enable_docs_url": 1,
    "--enable_latency_logging": 1,
    "--enable_predictor_health_check": 0,
    "--configure_logging": 1,
    "--log_config_file": 1,
    "--access_log_format": 1,
    "--event-loop": 1,
    "--grpc_max_send_message_length": 1,
}
"""Arguments of KServe's own server that mean nothing here, and how many values each takes."""


class Protocol(StrEnum):
    """Protocols a predictor may speak, by KServe's names."""

    v1 = "v1"
    v2 = "v2"
    grpc = "grpc-v2"


class Truth(StrEnum):
    """A yes or no that is written out."""

    true = "true"
    false = "false"


def meaningful(arguments: Iterable[str]) -> Iterator[str]:
    """The arguments without those of `WITHOUT_EFFECT` and their values."""
    skipped = 0
    for one in arguments:
        name, separator, _ = one.partition("=")
        if skipped:
            skipped -= 1
        elif name in WITHOUT_EFFECT:
            skipped = 0 if separator else WITHOUT_EFFECT[name]
        else:
            yield one
