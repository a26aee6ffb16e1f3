from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.test_imports import ROOMS, ROOT


def packages() -> list[str]:
    return [
        ".".join(path.parent.relative_to(folder.parent).parts)
        for folder in ROOMS.values()
        for path in sorted(folder.rglob("__init__.py"))
    ]


def source(package: str) -> ast.Module:
    top, *rest = package.split(".")
    return ast.parse((ROOMS[top].joinpath(*rest) / "__init__.py").read_text())


def is_allowed(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return all(isinstance(t, ast.Name) and t.id.startswith("__") for t in node.targets)
    return isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("package", packages())
def test_a_package_begins_with_its_docstring_and_then_only_imports(package: str) -> None:
    first, *rest = source(package).body
    assert isinstance(first, ast.Expr)
    assert isinstance(first.value, ast.Constant)
    assert [ast.unparse(node) for node in rest if not is_allowed(node)] == []


@pytest.mark.parametrize("package", packages())
def test_all_names_everything_that_a_package_imports_and_ruff_sorts_it(package: str) -> None:
    imported = sorted(
        alias.asname or alias.name
        for node in source(package).body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    )
    exported = getattr(importlib.import_module(package), "__all__", [])
    assert sorted(exported) == imported


@pytest.mark.parametrize("package", packages())
def test_everything_in_all_is_there(package: str) -> None:
    module = importlib.import_module(package)
    for name in getattr(module, "__all__", []):
        assert hasattr(module, name)


def test_every_package_says_that_it_is_typed() -> None:
    assert [name for name, folder in ROOMS.items() if not (folder / "py.typed").exists()] == []


def test_the_version_is_told_once() -> None:
    import tomllib

    import sidelight

    project = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text())["project"]
    assert project["version"] == sidelight.__version__
