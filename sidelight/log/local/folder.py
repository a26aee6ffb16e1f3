"""The folder of a log: made once, with what must never change written into it."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from sidelight.errors import ConfigError, LogError
from sidelight.log.local.disk import sync
from sidelight.log.local.failures import spaced

FORMAT = 2
"""Of the files in the folder; a log of a newer one is refused."""
_NAME = "log.json"


@dataclass(frozen=True, slots=True)
class Folder:
    """A log's place: its id, and the number of partitions of each topic."""

    path: Path
    log_id: str
    partitions: int

    def partition(self, topic: str, partition: int) -> Path:
        return self.path / "topics" / topic / str(partition)

    @property
    def groups(self) -> Path:
        return self.path / "groups"


def open_folder(path: Path, partitions: int) -> Folder:
    """The log at `path`, made with `partitions` partitions if there is none yet."""
    path = path.absolute()
    with spaced(path):
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError:
            raise ConfigError(f"log: {path} is a file; name a folder, or move the file") from None
        if not (path / _NAME).exists():
            _begin(path, partitions)
        return _read(path)


def _begin(path: Path, partitions: int) -> None:
    if (path / "topics").exists():
        raise LogError(f"{path / _NAME} is missing beside 'topics'; restore it from a backup")
    facts = {"format": FORMAT, "log_id": secrets.token_hex(8), "partitions": partitions}
    draft = path / f".{facts['log_id']}"
    draft.write_text(json.dumps(facts) + "\n")
    sync(draft)
    try:
        os.link(draft, path / _NAME)
    except FileExistsError:
        pass  # another process began the log in this moment: its facts count
    finally:
        draft.unlink()
    sync(path)


def _read(path: Path) -> Folder:
    try:
        facts = json.loads((path / _NAME).read_text())
        found, log_id, partitions = int(facts["format"]), facts["log_id"], int(facts["partitions"])
    except (ValueError, KeyError, TypeError) as exc:
        raise LogError(f"{path / _NAME} cannot be read ({exc}); restore it from a backup") from exc
    if found != FORMAT:
        other = "a newer" if found > FORMAT else "the older"
        raise LogError(
            f"{path} has log format {found}, this version of Sidelight reads {FORMAT}; "
            f"install {other} one or begin another log"
        )
    return Folder(path, log_id, partitions)
