"""The fitted reference of a model: loaded when it is there and still right, else made and kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sidelight.config.references import files_beside, is_fitted
from sidelight.config.services import named
from sidelight.config.settings import ModelSettings, Settings
from sidelight.errors import ArtifactError, ConfigError
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.guarantee import Guarantee
from sidelight_detectors.outcomes import Deciding
from sidelight_detectors.reference import reference_as_logged
from sidelight_detectors.service.keeping import Keeping
from sidelight_detectors.stored import FORMAT
from sidelight_detectors.streaming.identity import digest
from sidelight_detectors.violations import SchemaDetector, declared_ranges

FITTED = ".npz"
"""How the name of a fitted reference ends."""

# Not structlog's: without a service's configuration that writes to stdout, into a report.
logger = logging.getLogger("sidelight.detectors")


def folder_of(settings: Settings) -> Path:
    """Where fitted references are kept: beside the local log, else in the working folder.

    Each log has a folder of its own: a start removes what the same model's earlier plans left.
    """
    url = settings.log.url
    place = Path(f"sidelight-{digest(url)[:12]}") if "://" in url else Path(url)
    return place.with_name(place.name + ".fitted")


def watched_models(settings: Settings, only: str | None = None) -> dict[str, ModelSettings]:
    """The models that have a detector, or the one asked for; `ConfigError` when there is none."""
    models = {name: model for name, model in settings.models.items() if named(model.detectors)}
    if not models:
        raise ConfigError("no model has a detector; name one under models.<name>.detectors")
    if only is None:
        return models
    if only not in models:
        raise ConfigError(f"no model {only!r} has a detector; there are {', '.join(models)}")
    return {only: models[only]}


@dataclass(frozen=True)
class Kept:
    """A reference that was fitted, the file that keeps it, and what its detectors flag."""

    model: str
    rows: int
    plan: str
    path: Path
    guarantees: Mapping[str, Guarantee]


def fit_all(settings: Settings, only: str | None, out: Path | None) -> Iterator[Kept]:
    """Fits every watched model, or one, and keeps it at `out`, else where the service looks."""
    models = watched_models(settings, only)
    if out is not None and len(models) > 1:
        raise ConfigError(f"--out {out} is one file; name one of {', '.join(models)} with --model")
    if out is not None and out.suffix != FITTED:
        raise ConfigError(
            f"--out {out}: a fitted reference is known by its name; end it in {FITTED}"
        )
    for name, model in models.items():
        fitted = fit_model(name, model)
        path = out or _place(name, model, folder_of(settings))
        fitted.save(path)
        promised = {flagger: part.guarantee for flagger, part in fitted.flaggers.items()}
        yield Kept(name, fitted.rows, fitted.plan, path, promised)


def fit_model(name: str, model: ModelSettings) -> Fitted:
    """Fits now; `ConfigError` when the model names no table as its reference."""
    return fit(reference_as_logged(_table(name, model), model), model)


def fitted_model(name: str, model: ModelSettings, folder: Path) -> Fitted:
    """The model's own ``.npz``, or the kept one of the same reference and settings, or a new one.

    Raises `ConfigError` when an ``.npz`` was fitted with other settings than the file's.
    """
    if model.reference is not None and is_fitted(model.reference):
        return _checked(name, model, Fitted.load(model.reference))
    place = _place(name, model, folder)
    try:
        return Fitted.load(place)
    except ArtifactError:
        fitted = fit_model(name, model)
    try:
        fitted.save(place)
    except ArtifactError as exc:
        logger.warning("reference not kept, the next start fits it again: %s", exc)
    return fitted


def _checked(name: str, model: ModelSettings, fitted: Fitted) -> Fitted:
    if fitted.settings != model.detectors:
        raise _fitted_otherwise(name, model, "detector settings")
    if model.features and list(model.features) != list(fitted.inputs):
        raise _fitted_otherwise(name, model, "features")
    if list(model.outputs) != list(fitted.answers):
        raise _fitted_otherwise(name, model, "outputs")
    deciding = [part for part in fitted.parts.values() if isinstance(part, Deciding)]
    if any(part.outcome.settings != model.outcome for part in deciding):
        raise _fitted_otherwise(name, model, "outcome")
    schema = fitted.parts.get("schema")
    if isinstance(schema, SchemaDetector) and schema.declared != declared_ranges(model):
        raise _fitted_otherwise(name, model, "'min' or 'max' of a column")
    return fitted


def _fitted_otherwise(name: str, model: ModelSettings, what: str) -> ConfigError:
    return ConfigError(
        f"models.{name}.reference: {model.reference} was fitted with other {what}; "
        "run 'sidelight fit' with the table it came from"
    )


def _place(name: str, model: ModelSettings, folder: Path) -> Path:
    """Named after all that a fit depends on: another reference or setting, another file."""
    content = _content_hash(f"models.{name}.reference", _table(name, model))
    asked = model.model_dump_json(include={"features", "outputs", "outcome", "detectors"})
    if model.redact is not None and model.redact.columns:
        asked += model.redact.model_dump_json(include={"columns"})
    beside = [_content_hash(f"models.{name}: a file", one) for one in _files(model)]
    return Keeping(folder).place(name, digest(FORMAT, content, asked, *beside))


def _files(model: ModelSettings) -> list[Path]:
    """Also the key that columns are hashed under."""
    key = model.redact.key_file if model.redact and model.redact.columns else None
    return [*files_beside(model), *([key] if key else [])]


def _content_hash(what: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ConfigError(f"{what}: {path}: {exc.strerror}") from exc


def _table(name: str, model: ModelSettings) -> Path:
    if model.reference is None:
        raise ConfigError(f"models.{name}.reference: not set; name the rows to compare with")
    if is_fitted(model.reference):
        raise ConfigError(
            f"models.{name}.reference: {model.reference} is fitted already; name a table to fit"
        )
    return model.reference
