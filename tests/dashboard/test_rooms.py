from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import sidelight_dashboard

PACKAGE = Path(sidelight_dashboard.__file__).parent
README = PACKAGE.parent / "README.md"


def floors() -> dict[str, int]:
    """Of each room the line of the table that names it, from the top."""
    _, _, text = README.read_text().partition("## Rooms\n")
    table, _, _ = text.partition("\n## ")
    lines = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {
        room: floor for floor, line in enumerate(lines) for room in re.findall(r"`(\w+)`", line)
    }


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports() -> Iterator[tuple[Path, str]]:
    """Modules, with the rooms beside their own that they import."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = node.module if isinstance(node, ast.ImportFrom) else None
            package, _, inside = (named or "").partition(".")
            room = inside.partition(".")[0]
            if package == PACKAGE.name and room and room != room_of(path):
                yield path, room


def test_the_table_names_every_room() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert rooms == set(floors())


def test_rooms_import_only_what_stands_below_them() -> None:
    floor = floors()
    upwards = [
        f"{path.relative_to(PACKAGE)} imports {room}"
        for path, room in imports()
        if floor[room] <= floor[room_of(path)]
    ]
    assert not upwards
