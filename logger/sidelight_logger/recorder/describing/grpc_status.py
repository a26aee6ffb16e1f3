"""How a call of gRPC ended, as a status of HTTP: every whole answer has 200, whatever it says."""

from __future__ import annotations

from sidelight.events.exchange import Outcome
from sidelight.protocols.grpc.codes import HTTP_STATUS
from sidelight_logger.recorder.describing.heads import Fields

_OK, _UNKNOWN = "0", "2"
_STATUSES = {str(number): status for number, status in enumerate(HTTP_STATUS.values())}


def is_grpc(fields: Fields) -> bool:
    """True for a request or an answer of gRPC itself; gRPC-Web has its status in the body."""
    content_type = fields.get("content-type", "")
    return content_type[:16] == "application/grpc" and content_type[16:17] in ("", "+", ";")


def grpc_code(answer: Fields, outcome: Outcome) -> str:
    """The code of the answer to a call; empty when all is well, and when there is no whole answer.

    A code that nobody knows, or that is missing, counts as UNKNOWN, as clients have it.
    """
    whole = outcome == "answered" and is_grpc(answer)
    code = answer.get("grpc-status", _UNKNOWN if whole else _OK)
    return "" if code == _OK else code if code in _STATUSES else _UNKNOWN


def http_status(status: int, code: str) -> int:
    """The status of the answer, or of its code where that says more."""
    return _STATUSES[code] if code and status == _STATUSES[_OK] else status
