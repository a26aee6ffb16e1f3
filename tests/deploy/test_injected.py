"""What KServe's webhook makes of a pod starts the logger.

The files in `injected/` are containers that KServe's own `AgentInjector.InjectAgent` (August 2026,
after v0.20) added to a pod in Standard mode and to one under Knative, with the image of
`deploy/kserve/agent-image.patch.yaml`. `scripts/kserve-manifests` makes them anew, and shows our
manifests to KServe's controller and Knative's validation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sidelight.config import Listen, load
from sidelight.upstreams import Upstream
from sidelight_logger import command, running
from sidelight_logger.proxy.readiness import VARIABLE, Probe, probes_of
from tests.deploy.manifests import ROOT, Document

FILES = sorted((Path(__file__).parent / "injected").glob("*.json"))
each = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def container(file: Path) -> Document:
    read: Document = json.loads(file.read_text())
    return read


def environ(file: Path) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(file)["env"]}


@each
def test_its_arguments_are_taken_on_top_of_the_images_configuration(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(running, "run", lambda *args: seen.update(args=args) or 0)
    for name, value in environ(file).items():
        monkeypatch.setenv(name, value)
    image = ROOT / "logger" / "container.yaml"
    monkeypatch.setenv("SIDELIGHT_CONFIG", str(image))
    result = CliRunner().invoke(command.app, container(file)["args"])
    assert result.exit_code == 0, result.output
    config, flags, grace_seconds = seen["args"]
    settings = load(config, flags).settings
    logger = settings.logger
    (port,) = container(file)["ports"]
    assert Listen.parse(logger.listen).port == port["containerPort"]
    assert logger.upstream == "http://127.0.0.1:8080"
    assert logger.source == "income-predictor-5d8"
    assert logger.headers == ("x-request-id", "x-tenant")
    assert logger.annotations == {"team": "risk"}
    assert logger.sinks["kserve"].verify
    assert settings.log.url.startswith("/dev/shm/")  # noqa: S108 - nothing else can be written
    assert grace_seconds == (295 if file.stem == "knative" else 25)


@each
def test_kubelets_question_is_asked_on_to_the_model_server(file: Path) -> None:
    (probe,) = probes_of(environ(file), Upstream("127.0.0.1", 8080))
    assert (probe.host, probe.port) == ("127.0.0.1", 8080)
    if file.stem == "knative":
        assert probe == Probe("127.0.0.1", 8080)
    else:
        assert probe.request.startswith(b"GET /v2/health/ready HTTP/1.1\r\n")
    assert VARIABLE in environ(file)
    (header,) = container(file)["readinessProbe"]["httpGet"]["httpHeaders"]
    assert (header["name"], header["value"]) == ("K-Network-Probe", "queue")
