"""Virtual environments that hold the built wheel and nothing of the tree."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CONSTRAINTS = ROOT / "constraints.txt"


@dataclass(frozen=True)
class Environment:
    """One virtual environment, and a folder to work in that is outside the tree."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "venv" / "bin" / "python")

    @property
    def sidelight(self) -> str:
        return str(self.folder / "venv" / "bin" / "sidelight")

    def run(self, *command: str, code: int = 0) -> str:
        """Run to the end, require the exit code and return what was written."""
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert ended.returncode == code, f"{command}\n{ended.stdout}"
        return ended.stdout

    def variables(self) -> dict[str, str]:
        """No PYTHONPATH and no SIDELIGHT_ variable of this process."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, "COLUMNS": "200"}

    def pip(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "pip", "--python", self.python, *arguments)

    def install(self, *requirements: str) -> None:
        # Compiling thousands of modules takes longer than importing the few that are used.
        self.pip("install", "--quiet", "--no-compile", *requirements)


def create(folder: Path, *requirements: str) -> Environment:
    """A new environment with the requirements installed at the pinned versions."""
    environment = Environment(folder)
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    environment.install("--constraint", str(CONSTRAINTS), *requirements)
    return environment


def with_extras(wheel: Path, *extras: str) -> str:
    """The requirement that installs the wheel with these extras."""
    chosen = f"[{','.join(extras)}]" if extras else ""
    return f"sidelight{chosen} @ {wheel.as_uri()}"
