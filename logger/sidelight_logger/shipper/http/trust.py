"""Whom an ``https`` sink must be signed by."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

from sidelight.config.settings import SinkSettings
from sidelight_logger.shipper.carrying.fates import SinkFailed
from sidelight_logger.wire.sinks import DENIED


def trusted(settings: SinkSettings) -> ssl.SSLContext:
    """What a new connection is opened with; a `ca_file` that changed since is read again.

    Raises `SinkFailed` when the file cannot be read: it may be mounted yet.
    """
    path = settings.ca_file
    if path is None:
        return _context(None, 0, settings.verify)
    try:
        return _context(path, path.stat().st_mtime_ns, settings.verify)
    except OSError as exc:  # ssl's own errors are of this kind too
        raise SinkFailed(f"ca_file {path} cannot be read: {exc}", DENIED) from exc


@lru_cache(maxsize=1)
def _context(path: Path | None, changed_ns: int, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
