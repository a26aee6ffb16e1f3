"""Which of the distribution's extras are installed."""

from __future__ import annotations

import re
from importlib import metadata

from sidelight.errors import MissingExtra

SERVICES = ("logger", "detectors", "explainers", "dashboard")
"""The extras that add a service."""

_PARTS = {"receiver": "logger", "joiner": "logger"}

_REQUIREMENT = re.compile(r"""([\w.-]+)(?:\[([\w, -]+)\])?.*;.*extra == ['"]([\w-]+)['"]""")


def extra_of(service: str) -> str:
    """The extra that brings what the service needs."""
    return _PARTS.get(service, service)


def missing(extra: str) -> tuple[str, ...]:
    """The distributions that the extra needs and that are not here."""
    wanted: set[str] = set()
    for requirement in metadata.requires("sidelight") or ():
        match = _REQUIREMENT.match(requirement)
        if match and match[3] == extra:
            wanted.update(_missing_of(match[1], match[2] or ""))
    return tuple(sorted(wanted))


def refused(extra: str, cause: ImportError) -> ImportError:
    """What to raise for an import that failed: how to install the extra, or the cause itself."""
    if not missing(extra):
        return cause
    return MissingExtra(f"{cause}; run: pip install 'sidelight[{extra}]'")


def _missing_of(name: str, extras: str) -> tuple[str, ...]:
    if name == "sidelight":
        return tuple(one for extra in extras.split(",") for one in missing(extra.strip()))
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return (name,)
    return ()
