"""PyOD's methods on splits written as ``.npz`` (train, test, labels): mean ROC AUC as JSON.

Run by `benchmarks.outliers` in an environment that has PyOD.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.mcd import MCD
from sklearn.metrics import roc_auc_score

METHODS = {
    "ecod": ECOD,
    "hbos": HBOS,
    "mahalanobis": lambda: MCD(random_state=0),
    "forest": lambda: IForest(random_state=0),
    "knn": KNN,
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    areas: dict[str, list[float]] = {name: [] for name in METHODS}
    for path in sorted(Path(sys.argv[1]).glob("*.npz")):
        with np.load(path) as split:
            for name, make in METHODS.items():
                scores = make().fit(split["train"]).decision_function(split["test"])
                areas[name].append(float(roc_auc_score(split["labels"], np.nan_to_num(scores))))
    print(json.dumps({name: float(np.mean(own)) for name, own in areas.items()}))
