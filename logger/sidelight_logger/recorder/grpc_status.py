"""How a call of gRPC ended, as a status of HTTP: every whole answer has 200, whatever it says.

Source: google/rpc/code.proto, which names the status of each code, and gRPC over HTTP/2.
"""

from __future__ import annotations

from sidelight_logger.recorder.heads import Fields

_OK, _UNKNOWN = "0", "2"
_STATUSES = {
    "0": 200,  # OK
    "1": 499,  # CANCELLED
    "2": 500,  # UNKNOWN
    "3": 400,  # INVALID_ARGUMENT
    "4": 504,  # DEADLINE_EXCEEDED
    "5": 404,  # NOT_FOUND
    "6": 409,  # ALREADY_EXISTS
    "7": 403,  # PERMISSION_DENIED
    "8": 429,  # RESOURCE_EXHAUSTED
    "9": 400,  # FAILED_PRECONDITION
    "10": 409,  # ABORTED
    "11": 400,  # OUT_OF_RANGE
    "12": 501,  # UNIMPLEMENTED
    "13": 500,  # INTERNAL
    "14": 503,  # UNAVAILABLE
    "15": 500,  # DATA_LOSS
    "16": 401,  # UNAUTHENTICATED
}


def is_grpc(fields: Fields) -> bool:
    """True for a request or an answer of gRPC itself; gRPC-Web has its status in the body."""
    content_type = fields.get("content-type", "")
    return content_type[:16] == "application/grpc" and content_type[16:17] in ("", "+", ";")


def grpc_code(answer: Fields) -> str:
    """The code of an answer to a call; empty when the answer tells none, or says that all is well.

    A code that nobody knows counts as UNKNOWN, as clients have it.
    """
    code = answer.get("grpc-status", _OK)
    return "" if code == _OK else code if code in _STATUSES else _UNKNOWN


def http_status(status: int, code: str) -> int:
    """The status of the answer, or of its code where that says more."""
    return _STATUSES[code] if code and status == _STATUSES[_OK] else status
