"""Fitted references on disk: found again by what they were fitted from, or by their plan."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from sidelight.errors import ArtifactError
from sidelight_detectors.artifact import read_artifact
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.streaming.plan import Plan

_KEY = re.compile(r"-[0-9a-f]{32}\.npz")


@dataclass(frozen=True)
class Keeping:
    """One folder, a file a model and key."""

    folder: Path

    def place(self, model: str, key: str) -> Path:
        """Where a model's reference stands that was fitted from what `key` names."""
        return self.folder / f"{quote(model, safe='')}-{key}.npz"

    def keep(self, model: str, fitted: Fitted) -> None:
        """Have it found by its plan, also when it came from a file of the user's."""
        if self._file_of(model, fitted.plan) is None:
            fitted.save(self.place(model, digest("plan", fitted.plan)))

    def plan(self, current: Plan, id: str) -> Plan | None:
        """The same model's plan of that id, if its reference is kept."""
        fitted = self.fitted(current.model, id)
        return None if fitted is None else replace(current, fitted=fitted)

    def fitted(self, model: str, plan: str) -> Fitted | None:
        """The model's reference of that plan, if it is kept and whole."""
        path = self._file_of(model, plan)
        try:
            return None if path is None else Fitted.load(path)
        except ArtifactError:
            return None

    def forget_before(self, current: Plan) -> None:
        """Removes what was kept of the model under other plans."""
        for path in self._files(current.model):
            if _plan_in(path) != current.id:
                path.unlink(missing_ok=True)

    def _file_of(self, model: str, plan: str) -> Path | None:
        return next((path for path in self._files(model) if _plan_in(path) == plan), None)

    def _files(self, model: str) -> Iterator[Path]:
        """Those of this model alone: another's name may begin with its."""
        name = quote(model, safe="")
        for path in sorted(self.folder.glob("*.npz")):
            if path.name.startswith(name) and _KEY.fullmatch(path.name[len(name) :]):
                yield path


def _plan_in(path: Path) -> str:
    """What the file says of itself; empty when it is none of this release."""
    try:
        return str(read_artifact(path)[0].get("plan", ""))
    except ArtifactError:
        return ""
