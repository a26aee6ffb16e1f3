"""Runs the benchmarks, all or the named ones, each in a process of its own.

python -m benchmarks [NAME ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def names() -> list[str]:
    """Every benchmark of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def main() -> None:
    wanted = sys.argv[1:] or names()
    if unknown := set(wanted) - set(names()):
        sys.exit(f"benchmarks: no {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    failed = []
    for name in wanted:
        print(f"\n# python -m benchmarks.{name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    sys.exit(f"benchmarks: {', '.join(failed)} failed" if failed else 0)


if __name__ == "__main__":
    main()
