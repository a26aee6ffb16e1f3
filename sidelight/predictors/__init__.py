"""Ways to ask a model: over HTTP, over gRPC, or in this process."""

from sidelight.predictors.contract import Predictor
from sidelight.predictors.opening import open_predictor
from sidelight.predictors.spending import Spent, spending

__all__ = ["Predictor", "Spent", "open_predictor", "spending"]
