"""The bytes of a body as a codec wants them: whole, of a type that is read, decompressed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from sidelight.errors import MalformedPayload
from sidelight.events.exchange import Body
from sidelight.protocols.compression import decompressed
from sidelight.protocols.documents import refuse_long
from sidelight.protocols.grpc.frames import is_framed, unframed
from sidelight.protocols.limits import Limits

Unpack = Callable[[bytes, str, int], bytes]
"""From bytes under an encoding to at most so many bytes."""

# curl's default, and what servers that never look accept: JSON all the same.
_JSON_TYPES = (
    "",
    "application/json",
    "*+json",
    "text/json",
    "text/plain",
    "application/x-www-form-urlencoded",
)
_TENSOR_TYPES = (*_JSON_TYPES, "application/octet-stream", "binary/octet-stream")
_MESSAGE_TYPES = (
    "",
    "application/grpc",
    "application/grpc+proto",
    "application/protobuf",
    "application/x-protobuf",
    "application/octet-stream",
)
_CHARSETS = ("utf-8", "utf8", "us-ascii")


def json_bytes(body: Body, limits: Limits) -> tuple[bytes, Limits]:
    """The JSON bytes of a body, and the limits that now apply to them.

    Raises `MalformedPayload` for a body that was cut or is not JSON, `LimitExceeded` beyond
    `limits`.
    """
    content, inner = _whole(body, _JSON_TYPES, limits)
    if body.json_length is not None and body.json_length != len(content):
        raise MalformedPayload("holds binary tensors; send all tensors as JSON", where="body")
    return content, inner


def tensor_bytes(body: Body, limits: Limits) -> tuple[bytes, Limits]:
    """The bytes of a V2 body, JSON or with binary tensors, and the limits that now apply to them.

    Peers send binary tensors under any content type or none (KServe), so JSON's are as good.
    Raises as `json_bytes`.
    """
    return _whole(body, _TENSOR_TYPES, limits)


def message_bytes(body: Body, limits: Limits) -> tuple[bytes, Limits]:
    """The protobuf message of a gRPC body, in a frame or bare, and the limits that now apply to it.

    `content_encoding` is the ``grpc-encoding``, which says nothing of a frame that is not
    compressed. Raises as `json_bytes`.
    """
    unpack = unframed if is_framed(body.content) else decompressed
    return _whole(body, _MESSAGE_TYPES, limits, unpack)


def _whole(
    body: Body, types: tuple[str, ...], limits: Limits, unpack: Unpack = decompressed
) -> tuple[bytes, Limits]:
    _refuse_partial(body)
    _refuse_other_types(body.content_type, types)
    refuse_long(body.content, limits)
    content = unpack(body.content, body.content_encoding, limits.decompressed_bytes)
    if content is body.content:
        return content, limits
    return content, replace(limits, body_bytes=limits.decompressed_bytes)


def _refuse_partial(body: Body) -> None:
    if body.truncated:
        raise MalformedPayload(
            f"{len(body.content)} of {body.size} bytes were kept; raise logger.max_body",
            where="body",
        )
    if not body.content:
        kept = f"its {body.size} bytes were not kept" if body.size else "it is empty"
        raise MalformedPayload(f"{kept}; there is nothing to decode", where="body")


@lru_cache(maxsize=256)
def _refuse_other_types(content_type: str, types: tuple[str, ...]) -> None:
    essence, _, rest = content_type.lower().partition(";")
    essence = essence.strip()
    _, plus, suffix = essence.rpartition("+")
    if essence not in types and f"*{plus}{suffix}" not in types:
        raise MalformedPayload(
            f"content type {content_type[:60]!r} is not read; send {types[1]}", where="body"
        )
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", rest)
    if charset and charset[1] not in _CHARSETS:
        raise MalformedPayload(
            f"charset {charset[1][:40]!r} is not UTF-8; send UTF-8", where="body"
        )
