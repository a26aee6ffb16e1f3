"""Where the JSON object ends that a body begins with."""

from __future__ import annotations

import re

from sidelight.errors import MalformedPayload

WHITE_SPACE = b" \t\n\r"

_BEGIN = re.compile(rb"[ \t\n\r]*+{")
# A string, its closing quote caught, or a brace. Possessive, and a string without an end is matched
# up to the end of the body: so no byte is looked at twice.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[{}]', re.DOTALL)


def end_of_object(content: bytes) -> int:
    """How many bytes the JSON object takes that `content` begins with, in one pass.

    Only strings and braces are looked at: what lies between is the parser's. Raises
    `MalformedPayload` when no object begins or none ends.
    """
    if not _BEGIN.match(content):
        raise MalformedPayload("begins with no JSON object; send one", where="body")
    depth = 0
    for token in _TOKEN.finditer(content):
        first = content[token.start()]
        if first == ord("{"):
            depth += 1
        elif first == ord("}"):
            depth -= 1
            if not depth:
                return token.end()
        elif not token[1]:
            break
    raise MalformedPayload("its JSON object does not end; send all of it", where="body")
