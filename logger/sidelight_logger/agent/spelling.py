"""Go's ways of writing flags, in ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields

from sidelight.errors import ConfigError
from sidelight_logger.agent.flags import AgentFlags

SWITCHES = frozenset({"--logger-tls-skip-verify", "--enable-puller", "--enable-batcher"})
"""Flags that Go takes without a value."""

_NAMES = frozenset("--" + field.name.replace("_", "-") for field in fields(AgentFlags))
_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"0", "f", "false"})
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_SPAN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")


def spelt(arguments: Sequence[str]) -> list[str]:
    """The arguments with two dashes before each name, and a value behind each switch.

    KServe's webhook writes ``--logger-tls-skip-verify false``, which Go reads as true, because a
    switch there takes no second word. Here it is what it says.
    """
    return list(_spelt(iter(map(_dashed, arguments))))


def _spelt(arguments: Iterator[str]) -> Iterator[str]:
    waiting: str | None = None
    for argument in arguments:
        if waiting is not None:
            is_value = argument.lower() in _TRUE | _FALSE
            yield f"{waiting}={argument if is_value else 'true'}"
            waiting = None
            if is_value:
                continue
        if argument in SWITCHES:
            waiting = argument
        else:
            yield argument
    if waiting is not None:
        yield f"{waiting}=true"


def _dashed(argument: str) -> str:
    name = argument.partition("=")[0]
    return f"-{argument}" if f"-{name}" in _NAMES else argument


def is_true(flag: str, text: str) -> bool:
    """Go's ``strconv.ParseBool``, in any case."""
    if text.lower() not in _TRUE | _FALSE:
        raise ConfigError(f"{flag} is {text!r}; write true or false")
    return text.lower() in _TRUE


def seconds(flag: str, text: str) -> float:
    """Go's ``time.ParseDuration``: ``1m30s``, ``500ms``, ``0``."""
    if text == "0":
        return 0.0
    if not text or _SPAN.sub("", text):
        raise ConfigError(f"{flag} is {text!r}; write a duration such as 5s or 1m30s")
    return sum(float(count) * _SECONDS[unit] for count, unit in _SPAN.findall(text))


def listed(texts: Sequence[str]) -> list[str]:
    """Values given one by one, with commas between, or both."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]
