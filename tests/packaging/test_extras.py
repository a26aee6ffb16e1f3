"""Each extra of the built wheel, installed by itself, does what it is for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sidelight import __version__
from tests.packaging.environment import create, with_extras
from tests.packaging.jobs import Job, detect, explain, forward, look, look_for_brokers, miss_kafka


@dataclass(frozen=True)
class Extra:
    """What an extra must be able to do."""

    packages: tuple[str, ...]
    commands: tuple[str, ...] = ()
    jobs: tuple[Job, ...] = ()


SERVICES = (
    "sidelight_logger",
    "sidelight_detectors",
    "sidelight_explainers",
    "sidelight_dashboard",
)
EXTRAS = {
    "logger": Extra(("sidelight_logger",), ("logger",), (forward,)),
    "detectors": Extra(("sidelight_detectors",), ("detectors", "fit", "score"), (detect,)),
    "explainers": Extra(("sidelight_explainers",), ("explainers", "explain"), (explain,)),
    "dashboard": Extra(("sidelight_dashboard",), ("dashboard",), (look,)),
    "kafka": Extra(("sidelight.config",), ("topics",), (look_for_brokers,)),
    "grpc": Extra(("sidelight.predictors.grpc", "sidelight.protocols.v2_grpc")),
    "store": Extra(("sidelight.events.store", "fsspec")),
    "demo": Extra((*SERVICES, "sidelight.demo.story"), ("demo",)),
}
# `all` holds the demo: the default run has it in `test_everything`.
NAMES = [pytest.param(name, marks=pytest.mark.soak if name == "demo" else ()) for name in EXTRAS]


@pytest.mark.parametrize("name", NAMES)
def test_an_extra_alone_brings_what_its_part_needs(name: str, wheel: Path, folder: Path) -> None:
    extra = EXTRAS[name]
    environment = create(folder, with_extras(wheel, name))

    environment.pip("check")
    imports = f"import {', '.join(extra.packages)}"
    environment.run(environment.python, "-W", "error", "-c", imports)
    assert "logger" in environment.run(environment.sidelight, "--help")
    for command in extra.commands:
        environment.run(environment.sidelight, command, "--help")
    for job in extra.jobs:
        job(environment)


def test_without_extras_the_command_works_and_says_what_to_install(
    wheel: Path, folder: Path
) -> None:
    environment = create(folder, with_extras(wheel))

    assert environment.run(environment.sidelight, "--version") == f"sidelight {__version__}\n"
    assert "missing" in environment.run(environment.sidelight, "check")
    told = environment.run(environment.sidelight, "--help")
    for service, command in (("explainers", "explainers"), ("detectors", "fit")):
        assert f" {command} " in told
        refused = environment.run(environment.sidelight, command, code=1)
        assert refused.startswith("sidelight: No module named ")
        assert refused.endswith(f"; run: pip install 'sidelight[{service}]'\n")
    miss_kafka(environment)
