"""The images: built in steps that can be run anywhere, small, without root."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from sidelight.config import load
from sidelight.config.services import recorded
from tests.deploy.manifests import ROOT

DOCKERFILES = sorted(ROOT.glob("*/Dockerfile"))
SHM_BYTES = 64 << 20
"""What container runtimes give to /dev/shm."""

each = pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)


def instructions(file: Path) -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", "", file.read_text())
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def said(file: Path, name: str) -> list[str]:
    return [rest for instruction, rest in instructions(file) if instruction == name]


def test_each_service_that_runs_in_a_pod_has_an_image() -> None:
    services = {"logger", "detectors", "explainers", "dashboard"}
    assert {file.parent.name for file in DOCKERFILES} >= services


@each
def test_it_starts_the_service_of_its_folder_as_nobody(file: Path) -> None:
    (start,) = said(file, "ENTRYPOINT")
    assert start == f'["sidelight", "{file.parent.name}"]'
    (user,) = said(file, "USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "numbers, which runAsNonRoot can judge"
    names = [name for name, _ in instructions(file)]
    assert names.index("USER") > max(at for at, name in enumerate(names) if name == "RUN")


@each
def test_its_base_has_a_version_and_no_registry(file: Path) -> None:
    for base in said(file, "FROM"):
        assert re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", base)


@each
def test_it_installs_this_project_with_extras_that_exist_and_pinned(file: Path) -> None:
    (install,) = (run for run in said(file, "RUN") if " install --" in run)
    words = shlex.split(install)
    assert words[words.index("--constraint") + 1] == "constraints.txt"
    (target,) = (word for word in words if word.startswith(".["))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(target[2:-1].split(",")) <= extras["optional-dependencies"].keys()


def test_what_is_built_from_is_sent_to_the_builder_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert lines[1] == "*"
    assert {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "NOTICE"} <= allowed
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    packages = wheel["targets"]["wheel"]["packages"]
    assert {package.partition("/")[0] for package in packages} <= allowed
    assert all((ROOT / name).exists() for name in allowed)


def test_what_the_loggers_image_writes_fits_into_memory_that_every_pod_has() -> None:
    upstream = {"logger.upstream": "http://127.0.0.1:8080"}
    settings = load(ROOT / "logger" / "container.yaml", upstream, {}).settings
    for log in (settings.log, recorded(settings)):
        assert log.url.startswith("/dev/shm/")  # noqa: S108 - the place is the point
        assert 2 * log.retain_bytes <= SHM_BYTES, "room for a batch and for SQLite's own files"
        assert 4 * log.segment_bytes <= log.retain_bytes
    assert settings.logger.max_body <= settings.log.segment_bytes / 4
    assert (
        "SIDELIGHT_CONFIG=/etc/sidelight/sidelight.yaml"
        in said(ROOT / "logger" / "Dockerfile", "ENV")[0]
    )
