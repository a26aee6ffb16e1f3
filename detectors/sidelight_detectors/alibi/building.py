"""Makes a detector of alibi-detect from the configuration, or loads a saved one."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.alibi import DEFENDERS, AlibiSettings
from sidelight.errors import ArtifactError, ConfigError, MissingExtra, SidelightError
from sidelight_detectors.alibi import adversarial
from sidelight_detectors.alibi.artefact import pinned_copy
from sidelight_detectors.alibi.kinds import KINDS
from sidelight_detectors.alibi.legacy import legacy_file, load_legacy
from sidelight_detectors.alibi.matrix import Encoder
from sidelight_detectors.alibi.seeding import reseed

CLASSIFIERS = {
    "ExtraTreesClassifier": "sklearn.ensemble",
    "GradientBoostingClassifier": "sklearn.ensemble",
    "HistGradientBoostingClassifier": "sklearn.ensemble",
    "LogisticRegression": "sklearn.linear_model",
    "RandomForestClassifier": "sklearn.ensemble",
}
"""What `ClassifierDrift` may be told to train, and where it lives."""

BACKENDS = {"torch": "pytorch", "tensorflow": "tensorflow"}

BLOCK_ROWS = 1000
"""Rows of the reference scored at a time; Mahalanobis needs memory by their square."""

Matrix = NDArray[np.float64]


def build(settings: AlibiSettings, reference: Matrix, encoder: Encoder) -> Any:
    """Ready to predict. `reference` holds usable rows only.

    The same settings and reference give the same detector: all it draws is seeded.

    Raises
    ------
    MissingExtra
        alibi-detect, or what this class needs, is not installed.
    ConfigError, ArtifactError
        alibi-detect refuses the arguments, or the folder is not to be loaded.
    """
    _require(
        "alibi_detect", "alibi-detect is not installed", "pip install 'sidelight[alibi-detect]'"
    )
    reseed(settings.seed, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if settings.load is not None:
            return _loaded(settings.load, settings)
        return _made(settings, reference, encoder)


def version() -> str:
    """Of alibi-detect."""
    return str(importlib.import_module("alibi_detect").__version__)


def _loaded(folder: Path, settings: AlibiSettings) -> Any:
    with TemporaryDirectory(prefix="sidelight-") as place:
        allowed = settings.allow_unsafe_artifacts
        copy = pinned_copy(folder, Path(place), settings.sha256 or "", allowed)
        adversarial.check_saved(copy)
        return _told(lambda: _read(copy, allowed), f"{folder}", ArtifactError)


def _read(folder: Path, allowed: bool) -> Any:
    legacy = legacy_file(folder)
    if legacy is not None:
        return load_legacy(legacy)
    load = importlib.import_module("alibi_detect.saving").load_detector
    return load(folder, enable_unsafe_loading=allowed)


def _made(settings: AlibiSettings, reference: Matrix, encoder: Encoder) -> Any:
    name = settings.type or ""
    args = dict(settings.args)
    if name in DEFENDERS:
        asked = f"{name} {args} of {settings.model}"
        return _told(lambda: adversarial.made(name, settings, reference), asked, ConfigError)
    detects_rows = name in ("IForest", "Mahalanobis", "SpectralResidual")
    module = importlib.import_module(f"alibi_detect.{'od' if detects_rows else 'cd'}")
    kind = getattr(module, name)
    if detects_rows:
        detector = _told(lambda: kind(**args), f"{name} {args}", ConfigError)
        return _told(lambda: _fitted(detector, settings, reference), name, ConfigError)
    args = {**_defaults(name, args, encoder), **args}
    return _told(lambda: kind(reference, **args), f"{name} {settings.args}", ConfigError)


def _fitted(detector: Any, settings: AlibiSettings, reference: Matrix) -> Any:
    """Trained on the reference, with a threshold from it unless one is set."""
    if settings.type == "IForest":
        detector.fit(reference)
    percentage = 100.0 * (1.0 - settings.rate)
    if settings.type == "Mahalanobis":
        blocks = range(0, len(reference), BLOCK_ROWS)
        scores = [detector.score(reference[begin : begin + BLOCK_ROWS]) for begin in blocks]
        inferred = float(np.percentile(np.concatenate(scores), percentage))
        detector.threshold = inferred if detector.threshold is None else detector.threshold
    elif detector.threshold is None:
        detector.infer_threshold(reference, threshold_perc=percentage)
    return detector


def _defaults(name: str, args: dict[str, Any], encoder: Encoder) -> dict[str, Any]:
    """What alibi-detect cannot know; `args` loses what is translated here."""
    if name == "ClassifierDrift":
        if args.get("backend", "sklearn") != "sklearn":
            raise ConfigError("ClassifierDrift: only its backend 'sklearn' can be configured")
        return {"backend": "sklearn", "model": _classifier(args.pop("model", {}))}
    if name == "TabularDrift":
        return {"categories_per_feature": dict.fromkeys(encoder.categorical)}
    backend = {"backend": _backend(name)} if KINDS[name].needs_backend else {}
    return backend | ({"verbose": False} if name.endswith("Online") else {})


def _classifier(asked: Mapping[str, Any]) -> Any:
    """``{type: LogisticRegression, max_iter: 500}``; alibi-detect seeds it with the rest."""
    args = dict(asked)
    name = args.pop("type", "LogisticRegression")
    if name not in CLASSIFIERS:
        raise ConfigError(f"ClassifierDrift: model {name!r} is none of {', '.join(CLASSIFIERS)}")
    kind = getattr(importlib.import_module(CLASSIFIERS[name]), name)
    return _told(lambda: kind(**args), f"{name} {args}", ConfigError)


def _backend(name: str) -> str:
    for module, backend in BACKENDS.items():
        if importlib.util.find_spec(module):
            return backend
    raise MissingExtra(
        f"{name} needs PyTorch or TensorFlow; run: pip install 'alibi-detect[torch]'"
    )


def _require(module: str, what: str, run: str) -> None:
    if not importlib.util.find_spec(module):
        raise MissingExtra(f"{what}; run: {run}")


def _told(make: Callable[[], Any], what: str, error: type[SidelightError]) -> Any:
    """Whatever alibi-detect raises, as an error of ours that names what was asked."""
    try:
        return make()
    except SidelightError:
        raise
    except Exception as exc:  # Their constructors raise anything, down to numba's and TOML's.
        raise error(f"alibi-detect refuses {what}: {exc}") from exc
