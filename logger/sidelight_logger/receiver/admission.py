"""Lets in who shows the token: in a header, or, for senders that can set none, in the address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs

from sidelight_logger.receiver.refusals import NotAllowed

CHALLENGE = {"www-authenticate": 'Bearer realm="sidelight receiver"'}


class Admission:
    """`token` is asked of everybody; of nobody when it is empty."""

    def __init__(self, token: str = "") -> None:
        self._token = token.encode()

    def path(self, scope: Mapping[str, Any]) -> str:
        """What is asked for, without the token and a slash at the end. Raises `NotAllowed`."""
        path = str(scope["path"])
        if self._token:
            first, _, rest = path.removeprefix("/").partition("/")
            if self._is_token(first.encode()):
                path = f"/{rest}"
            elif not any(map(self._is_token, _shown(scope))):
                raise NotAllowed(
                    "show the receiver's token: 'Authorization: Bearer TOKEN', or as the first "
                    "part of the path, http://HOST:PORT/TOKEN"
                )
        return path.rstrip("/") or "/"

    def _is_token(self, shown: bytes) -> bool:
        return compare_digest(shown, self._token)


def _shown(scope: Mapping[str, Any]) -> Iterator[bytes]:
    """Tokens in headers, and in the query, which CloudEvents' webhooks may use."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, given = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                yield given.strip()
    query = scope["query_string"].decode("latin-1")
    yield from (given.encode() for given in parse_qs(query).get("access_token", ()))
