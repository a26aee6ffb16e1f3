"""The fitted reference of a plan, for who reads: kept files first, else fitted in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sidelight.config.references import is_fitted
from sidelight.config.settings import Settings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch, NotEnoughData
from sidelight_detectors.fitted import Fitted
from sidelight_detectors.service.fitting import fit_model, folder_of
from sidelight_detectors.service.keeping import Keeping

KEPT = 32
"""References held in memory; the one not asked for longest is let go first."""


class References:
    """Finds references by model and plan. Threads share it; one looks at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keeping = Keeping(folder_of(settings))
        self._found: OrderedDict[tuple[str, str], Fitted] = OrderedDict()
        self._current: dict[str, Fitted] = {}
        self._missing: dict[tuple[str, str], tuple[int, ArtifactError]] = {}
        self._lock = threading.Lock()

    def fitted(self, model: str, plan: str) -> Fitted:
        """`ArtifactError` when it is neither kept nor what the configuration gives now."""
        with self._lock:
            known = self._found.pop((model, plan), None) or self._look(model, plan)
            self._found[model, plan] = known
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return known

    def _look(self, model: str, plan: str) -> Fitted:
        """What was not there is looked for again when the folder has changed."""
        stamp, told = self._missing.get((model, plan), (None, None))
        now = self._stamp()
        if told is not None and stamp == now:
            raise told
        try:
            return self._find(model, plan)
        except ArtifactError as exc:
            self._missing[model, plan] = now, exc
            raise

    def _stamp(self) -> int:
        try:
            return self._keeping.folder.stat().st_mtime_ns
        except OSError:
            return 0

    def _find(self, model: str, plan: str) -> Fitted:
        kept = self._keeping.fitted(model, plan)
        if kept is not None:
            return kept
        if model not in self._current:
            self._current[model] = self._fit(model)
        if self._current[model].plan != plan:
            raise ArtifactError(
                f"the reference of plan {plan[:12]} of model {model!r} is not in "
                f"{self._keeping.folder} any more; rows counted under it stay counted, "
                "but cannot be compared again"
            )
        return self._current[model]

    def _fit(self, model: str) -> Fitted:
        settings = self._settings.models.get(model)
        if settings is None:
            raise ArtifactError(f"no model {model!r} is configured, so nothing says its reference")
        if settings.reference is not None and is_fitted(settings.reference):
            return Fitted.load(settings.reference)
        try:
            return fit_model(model, settings)
        except (ConfigError, DataMismatch, NotEnoughData) as exc:
            raise ArtifactError(f"the reference of model {model!r} cannot be had: {exc}") from exc
