"""What the detectors say, as frozen values: judged windows, flagged rows, promises, alarms.

`read_results` and `read_alarms` iterate them from any log. Their wire form is in `events`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.log import Address
from sidelight_detectors.alarms.rule import Change, Suspect
from sidelight_detectors.contract import ColumnFinding, DriftFinding, Finding

VERSIONS = "versions"
"""The detector that compares model versions with each other."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The exchanges of one partition from `first` to `last`, both included."""

    first: Address
    last: Address


@dataclass(frozen=True, slots=True)
class About:
    """Which model, version and plan (what it was compared with, and how) a result speaks of.

    `segment` is empty when it speaks of all rows. `against` is the other version where two are
    compared with each other instead of one with the reference.
    """

    model: str
    version: str
    plan: str
    segment: str = ""
    against: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window held: rows, how many of them lie in the tails, where they stand, and when.

    `first_ns` and `last_ns` are the smallest and the largest event time.
    """

    rows: int
    flagged: int
    exchanges: tuple[Stretch, ...]
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class DriftResult:
    """One window judged, and the promise about false alarms under which it was.

    `e_value` is the evidence that the version's alarm had gathered by then, over all rows and
    segments, and `e_value_threshold` what raises it; None of a segment, and where none is gathered.
    """

    id: str
    about: About
    seen: Seen
    finding: DriftFinding
    promise: str
    e_value: float | None = None
    e_value_threshold: float | None = None

    @property
    def drifted(self) -> tuple[ColumnFinding, ...]:
        """The columns that drifted, the largest lower bound first."""
        return self.finding.drifted

    @property
    def worst(self) -> ColumnFinding:
        """The column with the largest lower bound: one that drifted, if any did."""
        return self.finding.worst


@dataclass(frozen=True, slots=True)
class WindowResult:
    """One window judged by another detector than drift: `finding` is of its kind.

    Evidence as of a `DriftResult`.
    """

    id: str
    about: About
    detector: str
    seen: Seen
    finding: Finding
    promise: str
    e_value: float | None = None
    e_value_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """A window of `about.version` against one of `about.against`, of the same time.

    `reference_rows` of the finding are the rows of the other window, seen as `seen_against`.
    """

    id: str
    about: About
    seen: Seen
    seen_against: Seen
    finding: DriftFinding
    promise: str


@dataclass(frozen=True, slots=True)
class UnjudgedResult:
    """A window that closed and could not be judged by that detector; `reason` says so."""

    id: str
    about: About
    detector: str
    seen: Seen
    reason: str


@dataclass(frozen=True, slots=True)
class OutlierResult:
    """One row that a detector flagged: `row` of the exchange at `address`.

    Flagged because `p_value` is not above `rate`, the share of ordinary rows that may be flagged.
    `contributions` are the largest parts of `score`, by column. `method` gave the score; `bound` is
    what the rate of this one reference is at most, None where none is known. `reasons` names what
    is wrong, where the detector can.
    A detector without p-values (both are NaN then) flags a row whose `score` is above its
    `threshold`.
    """

    id: str
    about: About
    detector: str
    address: Address
    row: int
    time_ns: int
    score: float
    p_value: float
    rate: float
    contributions: tuple[tuple[str, float], ...]
    method: str = ""
    bound: float | None = None
    reasons: tuple[str, ...] = ()
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One row that was asked: `row` of the exchange at `address`."""

    address: Address
    row: int

    def __str__(self) -> str:
        return f"{self.address} row {self.row}"


@dataclass(frozen=True, slots=True)
class AttackResult:
    """A run of queries around one row, each different from the others: how far it is by now.

    `episode` is the id of the alarm that says so; all that is told of one attack shares it.
    `target` lies nearest to all of them. `queries` are its first and its last ones in their order;
    there were `count`, where traffic like the reference brings `expected`. `clients` are those who
    asked, where that is known, with their queries. `evidence` is the natural logarithm of a
    likelihood ratio, and `threshold` is what it had to reach when the attack was found. `promise`
    says how seldom that happens without an attack.
    """

    id: str
    about: About
    detector: str
    episode: str
    target: Query
    queries: tuple[Query, ...]
    count: int
    expected: float
    clients: tuple[tuple[str, int], ...]
    evidence: float
    threshold: float
    first_ns: int
    last_ns: int
    is_over: bool
    promise: str = ""

    @property
    def text(self) -> str:
        """For people: what is under attack, by whom, and by which queries."""
        by = ", ".join(f"{name} ({count})" for name, count in self.clients) or "an unknown client"
        return (
            f"{self.count} different queries around {self.target}, by {by}: from "
            f"{self.queries[0]} to {self.queries[-1]}; {self.expected:.2g} are usual"
        )


@dataclass(frozen=True, slots=True)
class PromiseResult:
    """A plan came into force: what follows is compared under it, and `text` is what it promises."""

    id: str
    about: About
    begins_at: Address
    time_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class TypicalRow:
    """A row that is typical of a change: `row` of the exchange at `address`.

    `log_ratio` is how much more usual its values are in the window than in the reference, summed
    over the columns that are to blame (`sidelight_detectors.typical`).
    """

    address: Address
    row: int
    log_ratio: float


Judged = DriftResult | WindowResult | ComparisonResult


@dataclass(frozen=True, slots=True)
class Alarm:
    """A detector's alarm raised or cleared; `raised_by` is the id of the alarm that was raised.

    `reason` says why: ``drift``, ``quiet`` or ``new plan``. `evidence` was held against
    `threshold` when it was raised, and `suspects` are to blame, the worst first. `result` is the
    window that was judged then, or where panes decide the most recent rows judged like a window;
    there is none when a new plan ended the alarm. `segment_result` is of the same rows, those in
    the segment of the worst suspect, if it is one. `rows` are a few of the window that are most
    typical of the change. `rows_seen` of the version had been seen under the plan.
    An attack has an alarm of its own, and says as `result` how far it was.
    """

    id: str
    about: About
    detector: str
    change: Change
    reason: str
    raised_by: str
    time_ns: int
    evidence: float = 0.0
    threshold: float = 0.0
    suspects: tuple[Suspect, ...] = ()
    result: Judged | AttackResult | None = None
    rows_seen: int = 0
    segment_result: DriftResult | None = None
    rows: tuple[TypicalRow, ...] = ()


Result = (
    DriftResult
    | WindowResult
    | ComparisonResult
    | UnjudgedResult
    | OutlierResult
    | AttackResult
    | PromiseResult
)
Output = Result | Alarm
