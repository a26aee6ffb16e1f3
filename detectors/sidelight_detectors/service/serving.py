"""`sidelight detectors`: from the configuration to a working service and its exit code."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Mapping

import structlog
from prometheus_client import CollectorRegistry

from sidelight.config.addresses import Listen
from sidelight.config.settings import Settings
from sidelight.errors import ArtifactError
from sidelight.log import open_log
from sidelight_detectors.service.attack_metrics import AttackCollector
from sidelight_detectors.service.bias_metrics import BiasCollector
from sidelight_detectors.service.detectors import Detectors
from sidelight_detectors.service.fitting import folder_of
from sidelight_detectors.service.group_metrics import GroupCollector, LagCollector
from sidelight_detectors.service.http.app import create_app
from sidelight_detectors.service.http.feedback import FeedbackDoor
from sidelight_detectors.service.http.metrics import RequestMetrics
from sidelight_detectors.service.http.scoring import Scoring
from sidelight_detectors.service.http.server import serve
from sidelight_detectors.service.keeping import Keeping
from sidelight_detectors.service.label_metrics import LabelCollector
from sidelight_detectors.service.metrics import ScorerMetrics
from sidelight_detectors.service.planning import fitted_plans
from sidelight_detectors.service.state_metrics import StateCollector
from sidelight_detectors.stations.serving import stations_at_work
from sidelight_detectors.streaming.plan import Plan

logger = structlog.get_logger("sidelight.detectors")


def run_service(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; returns when what was taken in is committed."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    registry = CollectorRegistry()
    plans = fitted_plans(settings)
    for name, plan in plans.items():
        logger.info("reference ready", model=name, rows=plan.fitted.rows, plan=plan.id[:12])
    log = open_log(settings.log)
    detectors = Detectors(
        log,
        plans,
        settings.detectors,
        ScorerMetrics(registry, list(plans)),
        stop,
        archive=_kept(plans, Keeping(folder_of(settings))),
    )
    registry.register(LagCollector(detectors.scorers, detectors.deciders))
    registry.register(StateCollector(detectors.deciders))
    registry.register(AttackCollector(detectors.deciders))
    registry.register(LabelCollector(detectors.deciders))
    registry.register(BiasCollector(detectors.deciders))
    registry.register(GroupCollector([detectors.scorers, detectors.deciders]))
    scoring = Scoring(plans, settings.detectors, RequestMetrics(registry, list(plans)))
    door = FeedbackDoor(scoring, log)
    app = create_app(scoring, registry, lambda: detectors.readiness, door)
    gc.freeze()  # What stands by now lives as long as the process: no collection looks at it again.
    with (
        stations_at_work(settings, log, registry, stop),
        serve(Listen.parse(settings.detectors.listen), app) as port,
    ):
        logger.info("serving metrics and health", port=port)
        detectors.run()
    log.close()


def _kept(plans: Mapping[str, Plan], keeping: Keeping) -> Keeping:
    """Keeps each reference, so that a successor can end this plan's windows in order."""
    for name, plan in plans.items():
        try:
            keeping.keep(name, plan.fitted)
        except ArtifactError as exc:
            logger.warning("reference not kept, a change of plan will drop windows", error=str(exc))
    return keeping
