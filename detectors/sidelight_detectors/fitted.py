"""A reference made ready: what `fit` learns, and all that is asked of it afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.drift import DriftSettings
from sidelight.config.detecting.of_model import ModelDetectors
from sidelight.config.services import named
from sidelight.config.settings import ModelSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Column, Columns
from sidelight_detectors.alarms.rule import WHOLE
from sidelight_detectors.artifact import Arrays, read_artifact, write_artifact
from sidelight_detectors.cells import Counts
from sidelight_detectors.contract import (
    Asking,
    DriftFinding,
    DriftGlance,
    Finding,
    Flagger,
    Judge,
    Packed,
    Part,
    RowScores,
)
from sidelight_detectors.drift.groups import GROUPING_SHARE
from sidelight_detectors.drift.judge import MIN_ROWS
from sidelight_detectors.drift.judges import DriftJudges
from sidelight_detectors.encoders.encoding import PLAIN, Encoding, learn
from sidelight_detectors.grid import Grid
from sidelight_detectors.indexed import NOTHING, Indexed, Origin
from sidelight_detectors.moments import moments_of
from sidelight_detectors.parts import KINDS, Reference
from sidelight_detectors.segments import ReferenceCounts, Segments, fit_segments
from sidelight_detectors.split import held_out
from sidelight_detectors.stored import contents_of, derived_of, identity_of
from sidelight_detectors.streaming.folds import Folding
from sidelight_detectors.summary import Summary, empty_summary
from sidelight_detectors.watched import cells_of, named_columns, watched

DRIFT = "drift"
"""The name of what `Fitted` judges from the counts alone."""


@dataclass(frozen=True, eq=False)
class Observed:
    """A batch summed up, and by part the scores of its rows and what is to be known of each."""

    summary: Summary
    scores: Mapping[str, RowScores]
    trails: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A reference in cells, with the detectors that were asked for. Safe to share by threads.

    Parameters
    ----------
    grid:
        The cells of the features in their order, then of the outputs.
    features:
        How many columns of the grid are features.
    rows:
        Rows of the reference.
    reference:
        Flat counts of the reference in the grid's cells.
    grouping:
        Flat counts of the reference rows that decide which categories are pooled.
    settings:
        The detectors asked for.
    parts:
        The fitted ones, by name; drift needs no part, it is judged from the counts.
    segments:
        What drift is also judged apart by, if anything.
    encoding:
        What images, tensors and texts become before they are watched.
    """

    grid: Grid
    features: int
    rows: int
    reference: Counts
    grouping: Counts
    settings: ModelDetectors
    parts: Mapping[str, Part]
    segments: Segments | None = None
    encoding: Encoding = PLAIN

    @property
    def drift(self) -> DriftSettings | None:
        return self.settings.drift

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the watched columns: features, then outputs."""
        return self.grid.names

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the watched columns that the model answers."""
        return self.columns[self.features :]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the features as they are sent, before any is encoded."""
        return self.encoding.sources_of(self.columns[: self.features])

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """Names of the outputs as the model answers them, before any is encoded."""
        return self.encoding.sources_of(self.outputs)

    @cached_property
    def plan(self) -> str:
        """Hex sha256 of reference, cells, settings and format; equal in every process."""
        header, arrays = self._identity
        digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{name}{array.shape}{array.dtype.kind}".encode())
            digest.update(little.tobytes())
        return digest.hexdigest()

    @property
    def judges(self) -> tuple[str, ...]:
        """Names of what judges windows."""
        parts = [name for name, part in self.parts.items() if isinstance(part, Judge)]
        return ((DRIFT,) if self.drift else ()) + tuple(parts)

    @property
    def at_once(self) -> tuple[str, ...]:
        """Those of `detectors` that say something of rows by themselves; others need traffic."""
        return tuple(one for one in self.detectors if one in (*self.judges, *self.flaggers))

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of what judges windows or scores rows."""
        asked = named(self.settings)
        return tuple(dict.fromkeys((*self.judges, *(one for one in self.parts if one in asked))))

    @property
    def folding(self) -> tuple[str, ...]:
        """Names of what remembers rows one by one."""
        return tuple(name for name, part in self.parts.items() if isinstance(part, Folding))

    @property
    def flaggers(self) -> Mapping[str, Flagger]:
        """What flags rows, by name."""
        parts = self.parts.items()
        return {name: part for name, part in parts if isinstance(part, Flagger)}

    @property
    def methods(self) -> tuple[str, ...]:
        """The drift test of each watched column; none without a drift detector."""
        return self._judges.methods if self._judges else ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """What drift is judged of: all rows (`WHOLE`), then each segment."""
        return (WHOLE, *(self.segments.names if self.segments else ()))

    def reference_of(self, segment: str = WHOLE) -> ReferenceCounts:
        """The reference rows of one of the `scopes`."""
        if segment == WHOLE or self.segments is None:
            return ReferenceCounts(self.rows, self.reference, self.grouping)
        return self.segments.references[self.segments.names.index(segment)]

    def index(
        self, columns: Columns, outputs: Columns | None = None, origin: Origin | None = None
    ) -> Indexed:
        """The cell of each value: the one look at the data, save for parts that need values.

        Parameters
        ----------
        columns:
            Rows with the model's features, by name or as one matrix; more columns do no harm.
        outputs:
            The answers to these rows; looked for among `columns` when not given. An output that is
            not there has cell -1 (not observed) and is counted nowhere.

        Raises
        ------
        DataMismatch
            A feature is missing or holds what cannot be compared, named.
        """
        names, results = self.inputs, self.answers
        if outputs is None:
            outputs = columns
            columns = Columns(tuple(c for c in columns if c.name not in results))
        rows = max(len(columns), len(outputs))
        answers = {column.name: column for column in outputs}
        chosen = [*self.encoding.select(columns, names), *map(answers.get, results)]
        there = tuple(column for column in chosen if column is not None)
        for column in there:
            if len(column) != rows:
                raise DataMismatch(f"column {column.name!r} has {len(column)} rows of {rows}")
        watched = self.encoding.encode(chosen, [*names, *results])
        seen = Columns(tuple(column for column in watched if column is not None))
        asked = self._asked(there, columns) if self._asking else NOTHING
        return Indexed(self.grid.index(watched, rows), seen, origin=origin, asked=asked)

    def _asked(self, watched: Sequence[Column], sent: Columns) -> Columns:
        known = {column.name for column in watched}
        return Columns((*watched, *(one for one in sent if one.name not in known)))

    @cached_property
    def asks_inputs(self) -> tuple[str, ...]:
        """Columns of requests that parts look at beside the watched ones."""
        asked = (name for part in self._asking for name in part.inputs)
        return tuple(dict.fromkeys(name for name in asked if name not in self.inputs))

    @cached_property
    def asks_headers(self) -> tuple[str, ...]:
        """Headers of requests that parts look at."""
        return tuple(dict.fromkeys(name for part in self._asking for name in part.headers))

    @cached_property
    def _asking(self) -> list[Asking]:
        return [part for part in self.parts.values() if isinstance(part, Asking)]

    def observe(self, rows: Indexed) -> Observed:
        """What adds up over batches, and the scores of the rows."""
        seen = {name: part.observe(rows) for name, part in self.parts.items()}
        sums = {name: one.sums for name, one in seen.items() if self.parts[name].size}
        scores = {name: one.scores for name, one in seen.items() if one.scores is not None}
        trails = {name: one.trail for name, one in seen.items() if one.trail is not None}
        summary = Summary(self.plan, len(rows), self.grid.count(rows.cells), sums)
        return Observed(summary, scores, trails)

    def summarise(self, rows: Indexed) -> Summary:
        """What adds up over batches."""
        return self.observe(rows).summary

    def score(self, rows: Indexed, part: str = "outlier") -> RowScores | None:
        """Scores of each row by that part, None when the model does not have it."""
        return self.parts[part].observe(rows).scores if part in self.parts else None

    @property
    def nothing(self) -> Summary:
        """The summary of no rows."""
        return empty_summary(self.plan, self.grid.size, self._sizes)

    def fits(self, summary: Summary) -> bool:
        """Whether the summary counts what this plan counts."""
        sizes = {name: len(sums) for name, sums in summary.sums.items()}
        is_ours = summary.plan == self.plan and len(summary.counts) == self.grid.size
        return is_ours and sizes == self._sizes

    def judge(self, summary: Summary, window: int, segment: str = WHOLE) -> DriftFinding:
        """Drift of the window with this number, counted from 1 in each of the `scopes`.

        Raises
        ------
        NotEnoughData
            The window, or the segment in the reference, has too few rows.
        DataMismatch
            The summary belongs to another plan.
        ConfigError
            This model has no drift detector.
        """
        return self._judging(summary).judge(summary, window, segment)

    def glance(self, summary: Summary, window: int, segment: str = WHOLE) -> DriftGlance:
        """Whether `judge` would find drift, for much less; it raises the same."""
        return self._judging(summary).glance(summary, window, segment)

    def _judging(self, summary: Summary) -> DriftJudges:
        if self._judges is None:
            raise ConfigError("no drift detector was fitted; set 'detectors.drift' and fit again")
        if summary.plan != self.plan:
            raise DataMismatch(
                f"summary of plan {summary.plan[:12]} judged by plan {self.plan[:12]}; "
                "index the rows again"
            )
        return self._judges

    def judge_by(self, name: str, summary: Summary, window: int) -> Finding:
        """As `judge`, by the part of that name (one of `judges`)."""
        part = self.parts.get(name)
        if isinstance(part, Judge):
            return part.judge(summary, window)
        return self.judge(summary, window)

    def save(self, path: Path) -> None:
        """Writes an ``.npz`` without pickles; equal content gives equal bytes."""
        header, arrays = self._identity
        derived = derived_of(self._packed)
        write_artifact(Path(path), {**header, "plan": self.plan}, {**arrays, **derived})

    @classmethod
    def load(cls, path: Path) -> Fitted:
        """Reads what `save` wrote; `ArtifactError` when the file is anything else."""
        header, arrays = read_artifact(Path(path))
        try:
            fitted = cls(*contents_of(header, arrays))
        except (KeyError, ValueError, TypeError, IndexError) as exc:
            raise ArtifactError(f"{path}: not a fitted reference: {exc}; fit again") from exc
        if fitted.plan != header.get("plan"):
            raise ArtifactError(f"{path}: its content does not have its plan's hash; fit again")
        return fitted

    @cached_property
    def _judges(self) -> DriftJudges | None:
        if self.drift is None:
            return None
        references = {scope: self.reference_of(scope) for scope in self.scopes}
        return DriftJudges(self.grid, self.drift, references, moments_of(self.parts))

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {name: part.size for name, part in self.parts.items() if part.size}

    @cached_property
    def _packed(self) -> Mapping[str, Packed]:
        return {name: part.pack() for name, part in self.parts.items()}

    @property
    def _identity(self) -> tuple[dict[str, Any], Arrays]:
        return identity_of(self, self._packed)


def fit(reference: Columns, model: ModelSettings) -> Fitted:
    """Cells, counts and detectors for one model.

    Parameters
    ----------
    reference:
        Rows the model was judged on, with its predictions where `model.outputs` names them.
    model:
        Which columns to watch (`features`, `outputs`) and which detectors run (`detectors`).

    Raises
    ------
    DataMismatch
        The reference lacks a configured column, or it holds what cannot be compared.
    NotEnoughData
        Fewer than 20 reference rows, or too few to calibrate the outlier rate.
    ConfigError
        No detector is configured, or a name is both a feature and an output.
    """
    if not named(model.detectors):
        raise ConfigError("no detector is configured; set 'detectors.drift' or 'detectors.outlier'")
    asked = named_columns(reference, model)
    encoding, reference = learn(reference, asked)
    if len(reference) < MIN_ROWS:
        raise NotEnoughData(f"the reference has {len(reference)} rows; at least {MIN_ROWS} needed")
    columns, kinds, features = watched(reference, asked, len(model.outputs), encoding)
    limits = model.detectors.drift or DriftSettings()
    limit = None if limits.exact else limits.cells
    grid = Grid(tuple(cells_of(*pair, limit) for pair in zip(columns, kinds, strict=True)))
    rows = Indexed(grid.index(columns.columns, len(reference)), columns, asked=reference)
    fitting = Reference(grid, features, rows, reference, model)
    fitted = {name: kind.fit(fitting) for name, kind in KINDS.items()}
    parts = {name: part for name, part in fitted.items() if part is not None}
    counts, deciding = grid.count(rows.cells), held_out(len(rows), GROUPING_SHARE)
    grouping = grid.count(rows.cells[deciding])
    segments = fit_segments(grid, rows.cells, deciding, limits)
    if segments is not None and (moments := moments_of(parts)):
        segments = segments.with_moments(moments, rows)
    size = len(reference)
    found = (counts, grouping, model.detectors, parts, segments, encoding)
    return Fitted(grid, features, size, *found)
