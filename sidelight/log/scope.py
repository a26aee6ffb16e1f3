"""What a log survives by where it lies: the machine's life, or only the container's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_MEMORY = frozenset({"tmpfs", "ramfs"})
_CONTAINER = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs"})
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.glusterfs"})


@dataclass(frozen=True, slots=True)
class Scope:
    """`survives` names what may end without the log: a process, or the node too.

    "process": a killed process loses nothing, but the log goes with its container or its memory.
    "node": the log also outlives the container and a restart of the machine.
    """

    survives: Literal["process", "node"]
    filesystem: str
    sentence: str


def place(url: str) -> Scope | None:
    """Where the log of that address lies; None when it is not on this machine."""
    return None if "://" in url else scope(Path(url))


def scope(path: Path, mounts: str | None = None) -> Scope:
    """Where `path` lies; `mounts` is the text of ``/proc/self/mountinfo``, read when not given."""
    if mounts is None:
        mounts = Path("/proc/self/mountinfo").read_text()
    mount_point, filesystem = _mount_of(path.absolute().resolve(), mounts)
    at = f"{path} lies on {filesystem} mounted at {mount_point}"
    if filesystem in _MEMORY:
        return Scope(
            "process", filesystem, f"{at}: in memory; it is lost with the container or machine."
        )
    if filesystem in _CONTAINER:
        return Scope(
            "process",
            filesystem,
            f"{at}: the container's own disk; it is lost with the container. Mount a volume to "
            "keep it.",
        )
    if filesystem in _NETWORK:
        return Scope(
            "node",
            filesystem,
            f"{at}: a network file system, on which SQLite's locks cannot be trusted. Use a local "
            "disk.",
        )
    return Scope("node", filesystem, f"{at}: it outlives the process and the container.")


def _mount_of(path: Path, mounts: str) -> tuple[Path, str]:
    """The mount that holds `path`: the deepest, and of those at one place the last."""
    best = (Path("/"), "unknown")
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        place = Path(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), before.split()[4]))
        if path.is_relative_to(place) and len(place.parts) >= len(best[0].parts):
            best = (place, after.split()[0])
    return best
