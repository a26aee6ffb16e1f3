"""Everything together, on the pinned numpy and then on 1.26, the oldest that the code runs on."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.packaging.environment import ROOT, Environment, create, with_extras
from tests.packaging.jobs import detect, explain

PINS = {"numpy": "1.26.4", "pandas": "3.0.6", "pyarrow": "25.0.1", "shap": "0.49.1"}
"""What replaces `constraints.txt` there: the newest releases that run on numpy 1.26.

pyarrow 26 does not declare that it needs numpy 2, so an installer takes it and its import fails.
"""

TOOLS = ("hypothesis", "psutil", "pytest", "pytest-timeout")
NUMERICAL = (
    "detectors/test_cells.py",
    "detectors/test_conformal.py",
    "detectors/test_drift_chi_squared.py",
    "detectors/test_drift_kolmogorov.py",
    "detectors/test_outliers_ecod.py",
    "detectors/test_summary.py",
    "explainers/test_explainers_outputs.py",
    "explainers/test_shapley.py",
    "sidelight/test_protocols_round_trips.py",
    "sidelight/test_protocols_v1.py",
    "sidelight/test_protocols_v2.py",
    "sidelight/test_tables.py",
    "sidelight/test_tensors.py",
)


def run_numerical_tests(environment: Environment) -> None:
    """The tests without the tree's packages beside them, so that they find the wheel's."""
    shutil.copytree(ROOT / "tests", environment.folder / "tests")
    shutil.copy(ROOT / "pyproject.toml", environment.folder)
    chosen = [f"tests/{name}" for name in NUMERICAL]
    quiet = ("-q", "-p", "no:cacheprovider", "-m", "not soak")
    environment.run(environment.python, "-m", "pytest", *quiet, *chosen)


def test_everything_together_works_also_on_the_oldest_numpy(wheel: Path, folder: Path) -> None:
    environment = create(folder, with_extras(wheel, "all"), *TOOLS)
    environment.pip("check")
    environment.run(environment.python, "-W", "error", "-c", "import sidelight.demo.story")
    for command in ("demo", "up"):
        environment.run(environment.sidelight, command, "--help")

    environment.install(*(f"{name}=={pin}" for name, pin in PINS.items()))
    environment.pip("check")
    version = environment.run(environment.python, "-c", "import numpy; print(numpy.__version__)")
    assert version == f"{PINS['numpy']}\n"
    for job in (detect, explain):
        job(environment)
    run_numerical_tests(environment)
