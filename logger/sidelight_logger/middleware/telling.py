"""What goes wrong in us is told where the application tells its own, and harms no request."""

from __future__ import annotations

import logging


def tell(cause: Exception) -> None:
    """Say that a request is not logged as it should be; not its words, which may hold payload."""
    log = logging.getLogger("sidelight.middleware")
    log.error("a request is not logged: %s", type(cause).__name__)
