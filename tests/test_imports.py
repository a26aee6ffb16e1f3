from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "sidelight": ROOT / "sidelight",
    "sidelight_logger": ROOT / "logger" / "sidelight_logger",
    "sidelight_detectors": ROOT / "detectors" / "sidelight_detectors",
    "sidelight_explainers": ROOT / "explainers" / "sidelight_explainers",
    "sidelight_dashboard": ROOT / "dashboard" / "sidelight_dashboard",
}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every imported module with its line, wherever in the file it is imported."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""


def rooms_used(package: str) -> set[str]:
    used = {name.split(".")[0] for path in modules(package) for _, name in imports(path)}
    return used & set(ROOMS)


def modules(package: str) -> list[Path]:
    found = sorted(ROOMS[package].rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("package", [room for room in ROOMS if room != "sidelight"])
def test_a_service_imports_the_shared_ground_and_itself_only(package: str) -> None:
    assert rooms_used(package) <= {"sidelight", package}


def test_the_shared_ground_imports_no_service() -> None:
    assert rooms_used("sidelight") <= {"sidelight"}


@pytest.mark.parametrize("package", ROOMS)
def test_imports_are_absolute_and_never_of_alibi(package: str) -> None:
    for path in modules(package):
        for line, name in imports(path):
            assert name, f"{path}:{line} imports relatively"
            assert name.split(".")[0] not in ("alibi", "alibi_detect"), f"{path}:{line}"
