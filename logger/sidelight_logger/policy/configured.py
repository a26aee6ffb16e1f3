"""From the settings to the policy: of each model, and of requests that name none of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from sidelight.config.capturing.kept import CaptureSettings, Level
from sidelight.config.capturing.redact import ColumnRule, RedactSettings
from sidelight.config.services import served_as
from sidelight.config.settings import ModelSettings, Settings
from sidelight.protocols.limits import Limits
from sidelight.redaction import rules_of
from sidelight.redaction.naming import names_of, wide_of
from sidelight.redaction.rules import folded
from sidelight_logger.policy.model import NEVER, ModelPolicy
from sidelight_logger.policy.policy import Policy

_LEVELS: tuple[Level, ...] = get_args(Level)
"""From the strictest on."""


def policy_of(settings: Settings) -> Policy:
    """Raises `ConfigError` for a rule or key that cannot be used."""
    logger = settings.logger
    return Policy(
        logger.mode,
        frozenset(name.lower() for name in logger.headers),
        {
            served_as(name, model): _of_model(settings, model)
            for name, model in settings.models.items()
        },
        _strictest(settings),
    )


def captured(everyones: CaptureSettings, own: CaptureSettings | None) -> CaptureSettings:
    """What is said of one model, and where nothing is, what is said of all."""
    if own is None:
        return everyones
    return everyones.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})


def _of_model(settings: Settings, model: ModelSettings) -> ModelPolicy:
    told = [settings.logger.redact, *([model.redact] if model.redact else [])]
    capture = _bounded(captured(settings.logger.capture, model.capture), settings)
    only_named = capture.level == "features"
    needs_names = only_named or any(one.columns for one in told)
    inputs, outputs = names_of(model) if needs_names else ((), ())
    rules = rules_of(told, inputs, outputs, wide=wide_of(model), only_named=only_named)
    return ModelPolicy(capture, rules, _secret(told), _limits(settings))


def _strictest(settings: Settings) -> ModelPolicy:
    """What the rules of all models say together: nobody evades one by naming another model."""
    models = settings.models.values()
    told = [settings.logger.redact, *(model.redact for model in models if model.redact)]
    captures = [captured(settings.logger.capture, model.capture) for model in models]
    everyones = settings.logger.capture
    limits = [one.max_body for one in (everyones, *captures) if one.max_body is not None]
    limit = min(limits, default=None)
    level = min((one.level for one in (everyones, *captures)), key=_LEVELS.index)
    capture = everyones.model_copy(update={"level": level, "max_body": limit})
    capture = _bounded(capture, settings)
    rules = rules_of(_agreed(told), only_named=level == "features")
    return ModelPolicy(capture, rules, _secret(told), _limits(settings))


def _bounded(capture: CaptureSettings, settings: Settings) -> CaptureSettings:
    """Others than the proxy may hand over bodies above `logger.max_body`."""
    most = settings.logger.max_body
    limit = most if capture.max_body is None else min(capture.max_body, most)
    return capture.model_copy(update={"max_body": limit})


def _limits(settings: Settings) -> Limits:
    """A document takes many times the memory of its bytes, also of those that were compressed."""
    most = settings.logger.max_body
    return Limits(body_bytes=most, decompressed_bytes=most)


def _agreed(told: Sequence[RedactSettings]) -> list[RedactSettings]:
    """Where two models differ about a column, it is dropped."""
    first: dict[str, ColumnRule] = {}
    disputed = {
        folded(name)
        for one in told
        for name, rule in one.columns.items()
        if first.setdefault(folded(name), rule) != rule
    }
    drop = ColumnRule(action="drop")
    return [*told, RedactSettings(columns=dict.fromkeys(disputed, drop))]


def _secret(told: Iterable[RedactSettings]) -> frozenset[str]:
    return NEVER | {name.lower() for one in told for name in one.headers}
