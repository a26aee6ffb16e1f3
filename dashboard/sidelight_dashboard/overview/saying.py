"""What each detector of a model says of one of its versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sidelight.config.settings import ModelSettings
from sidelight_dashboard.outliers.flaggers import Flagger, configured
from sidelight_dashboard.overview.flags import flags_status, ordinary, slots_of
from sidelight_dashboard.overview.judging import judged_status
from sidelight_dashboard.overview.status import Aspect, Status
from sidelight_dashboard.overview.versions import Version, plan_of
from sidelight_dashboard.overview.watched import aspect_of, has_own_plan, is_configured
from sidelight_dashboard.overview.windows import Window, newest_windows
from sidelight_dashboard.store.opening import Store

Said = tuple[Aspect, Status]


def said_of(
    store: Store, model: str, settings: ModelSettings, version: Version, names: Sequence[str]
) -> Iterator[Said]:
    """With the aspect; `names` are those under which detectors speak of the version."""
    plan = plan_of(store, model)
    windows = [
        one
        for name in names
        for one in newest_windows(store, model, name, version.last_ns)
        if _counts(settings, one, plan)
    ]
    windows.sort(key=_detector)
    for detector, same in groupby(windows, key=_detector):
        yield aspect_of(detector) or "drift", judged_status(store, list(same), settings)
    slots = slots_of(store, model, version.name)
    for flagger in configured(settings):
        usual = ordinary(store, model, flagger.name, _rate_of(settings, flagger))
        yield "outliers", flags_status(flagger, slots, usual)
    if settings.detectors.adversarial is not None:
        yield "attacks", _unattacked(store, model, version)


def _detector(window: Window) -> str:
    return window.key.detector


def _counts(settings: ModelSettings, window: Window, plan: str) -> bool:
    """What was judged beside another reference says nothing of this one."""
    detector = window.key.detector
    if aspect_of(detector) is None or not is_configured(settings, detector):
        return False
    return window.plan == plan or has_own_plan(detector)


def _rate_of(settings: ModelSettings, flagger: Flagger) -> float:
    """As configured; 0 where the detector has no rate."""
    return float(getattr(getattr(settings.detectors, flagger.name), "rate", 0.0))


def _unattacked(store: Store, model: str, version: Version) -> Status:
    """Since the last attack was over, or the version came."""
    ((ended,),) = store.series.rows(
        "SELECT max(cleared_ns) FROM alarm WHERE model = ? AND detector = 'adversarial'", (model,)
    )
    since = max(ended or 0, version.first_ns)
    return Status("OK", "No search for adversarial examples is under way.", since)
