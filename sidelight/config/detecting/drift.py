"""Drift, and when it becomes an alarm."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from sidelight.config.section import Section

MeasureName = Literal[
    "psi",
    "jensen-shannon",
    "total-variation",
    "wasserstein",
    "mean",
    "std",
    "missing",
    "new",
    "constant",
]

MAX_SLIDES = 100
"""Slides a window has at most: each is remembered until it leaves the window."""


class AlarmSettings(Section):
    """When a drift becomes an alarm."""

    rule: Literal["sequential", "windows"] = "sequential"
    """sequential: evidence gathered from run to run, against all that the tolerance and the
    reference's own error allow. windows: a window with drift raises the alarm at once."""
    false_alarms: float = Field(default=0.05, gt=0, lt=1)
    """Chance that this detector ever raises a false alarm on one model version (alpha)."""
    run_length: int | None = Field(default=None, ge=100)
    """Promise this instead, by the sequential rule: rows (or blocks) before a false alarm, on
    average at least. Alarms come sooner, and false ones again and again."""
    clear_after: int = Field(default=3, ge=1)
    """Windows in a row without drift that clear an alarm, of new rows each (sliding ones as many
    window lengths); runs, by the sequential rule."""
    block: Literal["row", "request", "day"] = "row"
    """What counts as one, where rows of a request or of a day resemble each other: the promise is
    then about exchangeable requests or days (UTC). Needs reference rows of a hundred and more."""
    block_by: str | None = None
    """The column of the reference that tells which request or day a row belongs to."""

    @model_validator(mode="after")
    def _fits_its_rule(self) -> AlarmSettings:
        if self.rule == "windows" and (self.run_length is not None or self.block != "row"):
            raise ValueError("run_length and block are promises of rule: sequential alone")
        if (self.block == "row") != (self.block_by is None):
            raise ValueError(
                "block_by names the reference's column of requests or days; "
                "set it together with block: request or block: day"
            )
        return self


class DriftSettings(Section):
    """Drift of each column against the reference."""

    method: Literal["ks", "cvm"] = "ks"
    """The test of numeric columns. ks: Kolmogorov-Smirnov, the largest distance. cvm: Cramer-von
    Mises, the mean squared one. Categorical columns are tested by chi-squared."""
    measures: tuple[MeasureName, ...] = ("psi", "wasserstein", "mean", "missing", "new", "constant")
    """What is measured beside the test, with bounds: psi, jensen-shannon, total-variation; of
    numbers also wasserstein, mean, std; missing, new (never seen), constant (other values in a
    column that has only one in the reference)."""
    correction: Literal["holm", "bh", "ebh", "bonferroni"] = "holm"
    """How a window decides over many columns and segments which are named. holm, bonferroni: a
    false one with chance alpha at most. bh, ebh: a share alpha of false ones on average at most,
    bh for positively dependent columns, ebh for any. Where windows raise alarms (alarm.rule:
    windows) only holm and bonferroni are allowed."""
    window: int = Field(default=1000, ge=20)
    """Rows of a window, up to the exchange that fills it."""
    slide: int | None = Field(default=None, ge=1)
    """Judge the last `window` rows whenever so many have come; a part of `window` that divides it.
    Unset: whenever all of them are new."""
    window_seconds: float | None = Field(default=None, gt=0)
    """Event-time windows of this length instead of count windows."""
    slide_seconds: float | None = Field(default=None, gt=0)
    """As `slide`, in event time; a part of `window_seconds` that divides it."""
    min_rows: int = Field(default=20, ge=20)
    """A window, also a segment's, with fewer rows is answered with *not enough data*."""
    by: str | None = None
    """A watched column by which windows are judged apart too: each of its categories, or its
    quartiles in the reference where it is numeric."""
    segments: int = Field(default=16, ge=1, le=64)
    """Segments judged for themselves at most, the largest of the reference; the others are one."""
    min_reference_rows: int = Field(default=200, ge=20)
    """A segment with fewer rows in the reference is judged with the others like it."""
    compare_versions: bool = True
    """Compare model versions that have traffic at the same time with each other too."""
    tolerance: float = Field(default=0.05, ge=0, lt=1)
    """Largest effect (KS or total-variation distance beyond chance) of no practical interest."""
    cells: int = Field(default=513, ge=5)
    """Cells a numeric column is cut into at most: quantile points and the gaps between them."""
    exact: bool = False
    """Keep every distinct reference value as a cell; the statistic is then exact."""
    alarm: AlarmSettings = AlarmSettings()

    @model_validator(mode="after")
    def _slides_fit(self) -> DriftSettings:
        if self.slide is not None and self.window_seconds is not None:
            raise ValueError("slide counts rows, the windows seconds; set slide_seconds instead")
        if self.slide_seconds is not None and self.window_seconds is None:
            raise ValueError("slide_seconds needs window_seconds; for windows of rows set slide")
        if self.window_seconds is None and self.min_rows > self.window:
            raise ValueError(
                f"min_rows: {self.min_rows} of a window of {self.window} rows: none could ever be "
                "judged; make the window larger"
            )
        _check("slide", self.slide, self.window)
        _check("slide_seconds", self.slide_seconds, self.window_seconds)
        return self

    @property
    def slides(self) -> int:
        """How often a window is judged until all of its rows are new; 1 when it does not slide."""
        if self.window_seconds is not None:
            return round(self.window_seconds / (self.slide_seconds or self.window_seconds))
        return round(self.window / (self.slide or self.window))

    @model_validator(mode="after")
    def _keeps_its_promise(self) -> DriftSettings:
        if self.alarm.rule == "windows" and self.correction in ("bh", "ebh"):
            raise ValueError(
                f"correction: {self.correction} bounds the share of false names, not the chance of "
                "any, which alarm.rule: windows promises; set correction: holm (or bonferroni)"
            )
        if self.by is not None and self.alarm.block == "request":
            raise ValueError(
                "by cuts requests apart, alarm.block: request needs them whole; leave out by, or "
                "set alarm.block: day"
            )
        return self


def _check(name: str, slide: float | None, window: float | None) -> None:
    if slide is None or window is None:
        return
    slides = window / slide
    if not 1 <= slides <= MAX_SLIDES or abs(slides - round(slides)) > 1e-9:
        raise ValueError(
            f"{name}: {slide:g} does not go into {window:g} a whole number of times from 1 to "
            f"{MAX_SLIDES}; {window / min(max(round(slides), 1), MAX_SLIDES):g} does"
        )
