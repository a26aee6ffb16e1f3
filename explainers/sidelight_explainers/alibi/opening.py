"""Starts the explainers of alibi that are configured."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from sidelight.config.explaining.alibi import GLOBAL, AlibiSettings
from sidelight.errors import ConfigError, DataMismatch
from sidelight.pinning import pinned_file, pinned_folder
from sidelight.tensors import Columns
from sidelight_explainers.alibi.explainer import AlibiExplainer
from sidelight_explainers.alibi.forms import Form, form_of
from sidelight_explainers.alibi.instance import Instance, Setup
from sidelight_explainers.alibi.kinds import KINDS, SAVED, Kind
from sidelight_explainers.contract import Explainer
from sidelight_explainers.subject import Subject

APACHE = "0.9.4"
"""The last release of alibi under the Apache License."""

LICENCE = (
    "this alibi is under the Business Source License 1.1, which restricts production use;"
    f" alibi {APACHE} is under the Apache License"
)

logger = structlog.get_logger("sidelight.explainers")


def open_method(subject: Subject, settings: AlibiSettings, name: str) -> Explainer[AlibiSettings]:
    """The explainer with its process started and its arguments tried.

    Raises `ConfigError` for what alibi refuses, `MissingExtra` for what is not installed.
    """
    key = f"{subject.key}.explainers.{name}"
    kind = KINDS.get(settings.type or "", SAVED)
    if subject.modality not in kind.modalities:
        told = " or ".join(kind.modalities)
        raise ConfigError(f"{key}: {settings.type} explains {told} inputs, not {subject.modality}")
    setup = _setup(subject, settings, kind, key)
    instance = Instance(setup.process)
    ready = instance.start()
    if settings.load is not None and ready.name in GLOBAL:
        raise ConfigError(f"{key}: {ready.name} has nothing worth saving; set 'type' instead")
    if ready.version != APACHE:
        logger.warning(LICENCE, method=name, version=ready.version)
    kind = KINDS.get(ready.name, kind)
    return AlibiExplainer(subject, name, kind, setup.form, instance, ready, settings.at_once)


def _setup(subject: Subject, settings: AlibiSettings, kind: Kind, key: str) -> _Prepared:
    try:
        form = form_of(subject)
        arrays = _arrays(subject, settings, kind, form)
    except DataMismatch as exc:
        raise ConfigError(f"{key}: the reference: {exc}") from exc
    told = _told(subject, settings, form)
    return _Prepared(form, Setup(key, settings.python, told, arrays))


@dataclass(frozen=True, eq=False)
class _Prepared:
    form: Form
    process: Setup


def _told(subject: Subject, settings: AlibiSettings, form: Form) -> dict[str, Any]:
    return {
        "type": settings.type,
        "args": settings.args,
        "fit": settings.fit,
        "explain": settings.explain,
        "load": _saved(subject, settings),
        "model": _model(subject, settings),
        "answers": settings.answers,
        "memory_bytes": settings.memory_bytes,
        "features": list(subject.features),
        "categories": {at: [str(one) for one in known] for at, known in form.categories.items()},
        "text": "a text" if subject.modality == "text" else None,
    }


def _saved(subject: Subject, settings: AlibiSettings) -> str | None:
    if settings.load is None:
        return None
    return str(pinned_folder(settings.load, _place(subject), settings.sha256 or ""))


def _model(subject: Subject, settings: AlibiSettings) -> str | None:
    if settings.model is None:
        return None
    return str(pinned_file(settings.model, _place(subject), settings.sha256 or ""))


def _place(subject: Subject) -> Path:
    """A folder that is there as long as the model: a process may be started at any time."""
    place = Path(tempfile.mkdtemp(prefix="sidelight-"))
    weakref.finalize(subject, shutil.rmtree, place, ignore_errors=True)
    return place


def _arrays(
    subject: Subject, settings: AlibiSettings, kind: Kind, form: Form
) -> dict[str, NDArray[Any]]:
    """What alibi gets of the reference: rows, one to try its arguments with, and outcomes."""
    if subject.modality == "text" or subject.reference is None:
        return {}
    rows, truth = _drawn(subject, settings, kind)
    matrix = form.encode(rows)
    if subject.modality == "image":
        return {"instance": matrix[:1] if kind.takes_rows else matrix[0]}
    arrays = {"reference": matrix, "instance": matrix[:1] if kind.takes_rows else matrix[0]}
    return arrays if truth is None else {**arrays, "truth": truth}


def _drawn(
    subject: Subject, settings: AlibiSettings, kind: Kind
) -> tuple[Columns, NDArray[Any] | None]:
    """Reference rows without nulls, which alibi knows nothing of, in random order."""
    rows = subject.rows()
    whole = np.ones(len(rows), bool)
    for column in rows:
        whole &= column.known().reshape(len(column), -1).all(axis=1)
    chosen = np.random.default_rng(settings.seed).permutation(np.flatnonzero(whole))
    chosen = chosen[: settings.reference_rows or kind.reference_rows]
    if not len(chosen):
        raise DataMismatch("every row has a null; alibi needs whole ones")
    return rows.take(chosen), _truth(subject, settings.target, chosen)


def _truth(subject: Subject, target: str | None, chosen: NDArray[np.intp]) -> NDArray[Any] | None:
    if target is None:
        return None
    column = (subject.table or Columns(())).select((target,)).columns[0]
    if column.kind not in ("number", "boolean"):
        raise DataMismatch(f"'target' {target!r} holds {column.kind}s; alibi needs numbers")
    return column.values[chosen]
