"""Why a body is not kept: a rule could not be applied to it."""

from __future__ import annotations

from typing import Literal, get_args

from sidelight.errors import MalformedPayload

Reason = Literal["truncated", "limit", "malformed", "form", "columns", "stream"]
"""truncated: it was cut before. limit: larger than is decoded. malformed: cannot be decompressed or
parsed. form: of no form in which columns, paths or texts are found. columns: values without names,
which a rule may be about. stream: text in pieces, in which no pattern can be found."""

REASONS: tuple[Reason, ...] = get_args(Reason)


class Unredactable(MalformedPayload):
    """A rule cannot be applied to the body. No message shows what the body holds."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message, where="body")
        self.reason: Reason = reason
