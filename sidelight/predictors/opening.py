"""Opens the predictor that a model's settings describe."""

from __future__ import annotations

from collections.abc import Iterable

from sidelight.config.settings import PredictorSettings
from sidelight.predictors.contract import Predictor
from sidelight.probes import Mark


def open_predictor(
    name: str,
    settings: PredictorSettings,
    features: Iterable[str] = (),
    mark: Mark | None = None,
) -> Predictor:
    """A predictor for the model of that name.

    `features` are its inputs in order; rows may hold them in any order, and more. None given: rows
    are passed on as they come. `mark` goes with each call to a server, so that detectors know that
    it is ours (`sidelight.probes.mark_of`). A server need not be up.

    Raises `ArtifactError` or `ConfigError` for a file that must not or cannot be opened,
    `MissingExtra` for gRPC where it is not installed.
    """
    if settings.url is None:
        from sidelight.predictors.local import open_local

        return open_local(name, settings, features)
    if settings.protocol == "grpc":
        from sidelight.predictors.grpc import GrpcPredictor

        return GrpcPredictor(name, settings, features, mark)
    from sidelight.predictors.http import HttpPredictor

    return HttpPredictor(name, settings, features, mark)
