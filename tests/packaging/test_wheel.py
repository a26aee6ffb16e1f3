from __future__ import annotations

import zipfile
from pathlib import Path

PACKAGES = {
    "sidelight",
    "sidelight_dashboard",
    "sidelight_detectors",
    "sidelight_explainers",
    "sidelight_logger",
}


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_five_packages_and_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_every_package_in_the_wheel_is_typed(wheel: Path) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names(wheel))


def test_the_wheel_carries_its_licence_and_no_compiled_file(wheel: Path) -> None:
    inside = names(wheel)
    assert [name for name in inside if "__pycache__" in name or name.endswith(".pyc")] == []
    assert {Path(name).name for name in inside if "/licenses/" in name} == {"LICENSE", "NOTICE"}


def test_the_wheel_carries_what_a_broker_is_made_of(wheel: Path) -> None:
    broker = "sidelight/demo/broker"
    assert {f"{broker}/pom.xml", f"{broker}/log4j2.properties"} <= set(names(wheel))
