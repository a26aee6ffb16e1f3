"""The plans of a configuration: each watched model with its reference, fitted or found."""

from __future__ import annotations

from sidelight.config.settings import Settings
from sidelight.errors import ConfigError
from sidelight.events.store import PatientStore, open_store
from sidelight.probes import probe_verifier
from sidelight_detectors.service.fitting import fitted_model, folder_of, watched_models
from sidelight_detectors.streaming.plan import Plan


def fitted_plans(settings: Settings, only: str | None = None) -> dict[str, Plan]:
    """The plan of every model that has a detector, or of the one asked for."""
    folder = folder_of(settings)
    store = None if settings.log.store is None else PatientStore(open_store(settings.log.store))
    probes = probe_verifier(settings)
    plans = {}
    for name, model in watched_models(settings, only).items():
        fitted = fitted_model(name, model, folder)
        served_as = model.predictor.name if model.predictor else None
        plans[name] = Plan(name, fitted, settings.detectors, served_as or "", store, probes)
    return told_apart(plans)


def told_apart(plans: dict[str, Plan]) -> dict[str, Plan]:
    """Exchanges carry the server's name of a model, so each must stand for one model here."""
    served: dict[str, str] = {}
    for name, plan in plans.items():
        other = served.setdefault(plan.name_in_exchanges, name)
        if other != name:
            raise ConfigError(
                f"models.{name}.predictor.name: {plan.name_in_exchanges!r} is models.{other} at "
                "its server too; give the second a log and a configuration of its own"
            )
    return plans
