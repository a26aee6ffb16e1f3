"""A reference made ready: what `fit` learns, and all that is asked of it afterwards."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.settings import DriftSettings, ModelSettings, OutlierSettings
from sidelight.errors import ArtifactError, ConfigError, DataMismatch, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.artifact import Arrays, read_artifact, write_artifact
from sidelight_detectors.cells import CellIndex, Counts
from sidelight_detectors.contract import DriftFinding, RowScores
from sidelight_detectors.drift.chi_squared import GROUPING_SHARE
from sidelight_detectors.drift.judge import MIN_ROWS, DriftJudge
from sidelight_detectors.grid import Grid
from sidelight_detectors.outlier import OutlierDetector, fit_outliers
from sidelight_detectors.packing import pack_grid, unpack_grid
from sidelight_detectors.split import held_out
from sidelight_detectors.summary import P_VALUE_BINS, Summary
from sidelight_detectors.watched import cells_of, watched

FORMAT = 2
"""Of cells, tables, files and judgement; a change makes a new plan."""


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
    drift, outlier:
        The settings fitted with; None when the detector does not run.
    outliers:
        The fitted outlier detector; None without `outlier`.
    """

    grid: Grid
    features: int
    rows: int
    reference: Counts
    grouping: Counts
    drift: DriftSettings | None
    outlier: OutlierSettings | None
    outliers: OutlierDetector | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the watched columns: features, then outputs."""
        return self.grid.names

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the watched columns that the model answers."""
        return self.columns[self.features :]

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

    def index(self, columns: Columns, outputs: Columns | None = None) -> CellIndex:
        """The cell of each value, ``(n, F)`` int32: the one look at the data.

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
        names, results = self.columns[: self.features], self.columns[self.features :]
        if outputs is None:
            outputs = columns
            columns = Columns(tuple(c for c in columns if c.name not in results))
        rows = max(len(columns), len(outputs))
        answers = {column.name: column for column in outputs}
        chosen = [*columns.select(names), *map(answers.get, results)]
        for column in chosen:
            if column is not None and len(column) != rows:
                raise DataMismatch(f"column {column.name!r} has {len(column)} rows of {rows}")
        return self.grid.index(chosen, rows)

    def summarise(self, cells: CellIndex, scores: RowScores | None = None) -> Summary:
        """What adds up over batches; give `scores` when they are known, to save their cost."""
        p_values, flagged = np.empty(0), 0
        if self.outliers is not None:
            p_values = self.outliers.p_values(cells) if scores is None else scores.p_values
            flagged = int(self.outliers.flagged(p_values).sum())
        bins = np.ceil(p_values * P_VALUE_BINS).astype(np.int64) - 1
        histogram = np.bincount(bins, minlength=P_VALUE_BINS).astype(np.int64)
        return Summary(self.plan, len(cells), self.grid.count(cells), flagged, histogram)

    def judge(self, summary: Summary, window: int) -> DriftFinding:
        """Drift of the window with this number, counted from 1.

        Raises
        ------
        NotEnoughData
            The window has fewer than `MIN_ROWS` rows.
        DataMismatch
            The summary belongs to another plan.
        ConfigError
            This model has no drift detector.
        """
        if self._judge is None:
            raise ConfigError("no drift detector was fitted; set 'detectors.drift' and fit again")
        if summary.plan != self.plan:
            raise DataMismatch(
                f"summary of plan {summary.plan[:12]} judged by plan {self.plan[:12]}; "
                "index the rows again"
            )
        return self._judge.judge(summary.counts, summary.rows, window)

    def score(self, cells: CellIndex) -> RowScores | None:
        """Outlier scores of each row, None when the model has no outlier detector."""
        return None if self.outliers is None else self.outliers.score(cells)

    def flagged(self, scores: RowScores) -> NDArray[np.bool_]:
        """Which rows count as outliers, ``(n,)``: ``p_value <= rate``."""
        if self.outliers is None:
            return np.zeros(len(scores.scores), bool)
        return self.outliers.flagged(scores.p_values)

    def save(self, path: Path) -> None:
        """Writes an ``.npz`` without pickles; equal content gives equal bytes."""
        header, arrays = self._identity
        derived = {} if self.outliers is None else {"calibration": self.outliers.calibration}
        write_artifact(Path(path), {**header, "plan": self.plan}, {**arrays, **derived})

    @classmethod
    def load(cls, path: Path) -> Fitted:
        """Reads what `save` wrote; `ArtifactError` when the file is anything else."""
        header, arrays = read_artifact(Path(path))
        try:
            fitted = _rebuilt(header, arrays)
        except (KeyError, ValueError, TypeError, IndexError) as exc:
            raise ArtifactError(f"{path}: not a fitted reference: {exc}; fit again") from exc
        if fitted.plan != header.get("plan"):
            raise ArtifactError(f"{path}: its content does not have its plan's hash; fit again")
        return fitted

    @cached_property
    def _judge(self) -> DriftJudge | None:
        if self.drift is None:
            return None
        return DriftJudge(
            self.grid,
            self.reference,
            self.grouping,
            self.rows,
            self.drift.window,
            self.drift.alarm.false_alarms,
            self.drift.tolerance,
        )

    @property
    def _identity(self) -> tuple[dict[str, Any], Arrays]:
        # Tables and calibration scores follow from these, and their last bits from the platform.
        columns, points = pack_grid(self.grid)
        header = {
            "format": FORMAT,
            "columns": columns,
            "features": self.features,
            "rows": self.rows,
            "drift": None if self.drift is None else self.drift.model_dump(mode="json"),
            "outlier": None if self.outlier is None else self.outlier.model_dump(mode="json"),
        }
        arrays: dict[str, NDArray[Any]] = {
            "points": points,
            "reference": self.reference,
            "grouping": self.grouping,
        }
        if self.outliers is not None:
            arrays["counts"] = self.outliers.counts
            arrays["left_skewed"] = self.outliers.left_skewed
        return header, arrays


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
    drift, outlier = model.detectors.drift, model.detectors.outlier
    if drift is None and outlier is None:
        raise ConfigError("no detector is configured; set 'detectors.drift' or 'detectors.outlier'")
    if len(reference) < MIN_ROWS:
        raise NotEnoughData(f"the reference has {len(reference)} rows; at least {MIN_ROWS} needed")
    columns, kinds, features = watched(reference, model)
    limits = drift or DriftSettings()
    limit = None if limits.exact else limits.cells
    grid = Grid(tuple(cells_of(*pair, limit) for pair in zip(columns, kinds, strict=True)))
    cells = grid.index(columns.columns, len(reference))
    outliers = None
    if outlier is not None:
        outliers = fit_outliers(
            grid, columns.columns[:features], cells, outlier.rate, outlier.calibration
        )
    counts = grid.count(cells)
    grouping = grid.count(cells[held_out(len(cells), GROUPING_SHARE)])
    return Fitted(grid, features, len(reference), counts, grouping, drift, outlier, outliers)


def _rebuilt(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Fitted:
    if header["format"] != FORMAT:
        raise ValueError(f"format {header['format']}, this version reads {FORMAT}")
    grid = unpack_grid(header["columns"], arrays["points"])
    features, outlier = header["features"], header["outlier"]
    outliers = None
    if outlier is not None:
        outlier = OutlierSettings.model_validate(outlier)
        outliers = OutlierDetector(
            grid,
            _integers(arrays["counts"], grid.size),
            arrays["left_skewed"].astype(bool).reshape(features),
            np.sort(_integers(arrays["calibration"], None)),
            outlier.rate,
        )
    drift = None if header["drift"] is None else DriftSettings.model_validate(header["drift"])
    counts, grouping = (_integers(arrays[name], grid.size) for name in ("reference", "grouping"))
    return Fitted(grid, features, header["rows"], counts, grouping, drift, outlier, outliers)


def _integers(array: NDArray[Any], length: int | None) -> Counts:
    if array.dtype != np.int64 or array.ndim != 1 or length not in (None, len(array)):
        raise ValueError(f"expected {length} whole numbers, found {array.dtype} {array.shape}")
    if array.min(initial=0) < 0:
        raise ValueError(f"a count is {array.min()}")
    return array
