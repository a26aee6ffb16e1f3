"""The manifests are what KServe and Kubernetes take, and what they start starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from typer.testing import CliRunner

from sidelight.config import load
from sidelight.config.services import configured
from sidelight_logger import command, running
from tests.deploy.manifests import (
    DEPLOY,
    MANIFESTS,
    Document,
    documents,
    inference_service_schema,
    of_kind,
    pod,
)

KUBERNETES = ("1.30", kubernetes_validate.latest_version())
SERVICES = list(of_kind("InferenceService"))
PODS = [*of_kind("Deployment"), *SERVICES]
CONFIGS = list(of_kind("ConfigMap"))

each_pod = pytest.mark.parametrize(
    ("path", "document"), PODS, ids=lambda one: one.name if isinstance(one, Path) else ""
)


def containers(document: Document, image: str) -> list[Document]:
    inside: list[Document] = pod(document).get("containers", [])
    return [one for one in inside if one["image"].startswith(image)]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_document_of_its_own(path: Path, version: str) -> None:
    for document in documents(path):
        if document.get("apiVersion") in ("v1", "apps/v1"):
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize(("path", "service"), SERVICES, ids=lambda one: getattr(one, "name", ""))
def test_kserve_takes_every_service(path: Path, service: Document) -> None:
    jsonschema.Draft7Validator(inference_service_schema()).validate(service)


def test_the_schema_would_find_a_field_that_kserve_does_not_know() -> None:
    _, service = SERVICES[0]
    validator = jsonschema.Draft7Validator(inference_service_schema())
    predictor = service["spec"]["predictor"]
    mistakes: tuple[Document, ...] = (
        {"logger": {"mode": "some"}},
        {"logger": {"sampling": 1}},
        {"containers": [{"name": "agent", "volumes": []}]},
        {"loger": {}},
    )
    for wrong in mistakes:
        assert not validator.is_valid({**service, "spec": {"predictor": {**predictor, **wrong}}})


@pytest.mark.parametrize(("path", "config"), CONFIGS, ids=lambda one: getattr(one, "name", ""))
def test_every_configuration_is_valid_and_gives_its_services_work(
    path: Path, config: Document, tmp_path: Path
) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text(config["data"]["sidelight.yaml"])
    upstream = {"logger.upstream": "http://127.0.0.1:8080"}
    assert "logger" in configured(load(file, upstream, {}).settings)


@pytest.mark.parametrize(
    ("path", "document"),
    [(path, one) for path, one in PODS if containers(one, "sidelight-logger")],
    ids=lambda one: getattr(one, "name", ""),
)
def test_the_loggers_arguments_are_taken_with_its_configuration(
    path: Path, document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(running, "run", lambda *args: seen.update(args=args) or 0)
    (logger,) = containers(document, "sidelight-logger")
    config = next(one for _, one in CONFIGS if one in documents(path))
    file = tmp_path / "sidelight.yaml"
    file.write_text(config["data"]["sidelight.yaml"])
    result = CliRunner().invoke(command.app, ["--config", str(file), *logger["args"]])
    assert result.exit_code == 0, result.output
    _, flags, grace_seconds = seen["args"]
    settings = load(file, flags, {}).settings
    ports = {str(one["containerPort"]) for one in logger["ports"]}
    assert settings.logger.listen.rpartition(":")[2] in ports
    assert grace_seconds < (pod(document).get("terminationGracePeriodSeconds") or 120)
    mounted = [one["mountPath"] for one in logger["volumeMounts"]]
    places = [settings.log.url, str(settings.logger.spool)]
    assert any(place.startswith(mount + "/") for place in places for mount in mounted)


@each_pod
def test_containers_of_ours_are_confined_and_bounded(path: Path, document: Document) -> None:
    whole = pod(document).get("securityContext", {})
    for container in containers(document, "sidelight-"):
        context = {**whole, **container["securityContext"]}
        assert context["runAsNonRoot"]
        assert context["readOnlyRootFilesystem"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert not container["image"].endswith(":latest")


@each_pod
def test_every_mount_has_its_volume_and_every_volume_its_mount(
    path: Path, document: Document
) -> None:
    inside = pod(document)
    volumes = {one["name"] for one in inside.get("volumes", [])}
    mounts = {
        mount["name"]
        for container in inside.get("containers", [])
        for mount in container.get("volumeMounts", [])
    }
    assert volumes == mounts


def test_a_service_in_standard_mode_sends_kserve_to_the_logger() -> None:
    """`logger` moves the Service's port; `agent` is the name that keeps the webhook away."""
    ((_, service),) = [(path, one) for path, one in SERVICES if path.name == "standard.yaml"]
    assert service["spec"]["predictor"]["logger"]["mode"] == "all"
    (agent,) = service["spec"]["predictor"]["containers"]
    assert agent["name"] == "agent"
    assert agent["ports"][0] == {"name": "agent-port", "containerPort": 9081}


def test_a_service_under_knative_has_one_port_and_it_is_the_loggers() -> None:
    ((_, service),) = [(path, one) for path, one in SERVICES if path.name == "knative.yaml"]
    predictor = service["spec"]["predictor"]
    assert "logger" not in predictor
    assert "ports" not in predictor["model"]
    assert [one["ports"] for one in predictor["containers"]] == [[{"containerPort": 9081}]]


def test_the_patch_of_kserves_configmap_is_what_the_webhook_reads() -> None:
    patch = yaml.safe_load((DEPLOY / "kserve" / "agent-image.patch.yaml").read_text())
    agent = yaml.safe_load(patch["data"]["agent"])
    assert agent.pop("image") == "sidelight-logger:0.1.0"
    assert set(agent) == {"memoryRequest", "memoryLimit", "cpuRequest", "cpuLimit"}


COMPOSE: Document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_the_compose_file_is_built_here_and_confined(name: str) -> None:
    service = OURS[name]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    assert service["image"] in {
        container["image"] for _, one in PODS for container in pod(one).get("containers", [])
    }
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    volumes = (volume.partition(":")[0] for volume in service["volumes"])
    assert [volume for volume in volumes if not volume.startswith(".")] == ["log"]


def test_the_compose_file_publishes_to_this_machine_alone_what_it_keeps() -> None:
    services = COMPOSE["services"].values()
    mounted = {mount.partition(":")[0] for one in services for mount in one["volumes"]}
    assert {mount for mount in mounted if not mount.startswith(".")} == COMPOSE["volumes"].keys()
    assert all(mount.startswith(("../model", "../dashboard")) for mount in mounted if "." in mount)
    ports = [port for one in services for port in one.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_prometheus_in_the_compose_file_asks_and_judges_what_runs_there(tmp_path: Path) -> None:
    config = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    targets = [
        target
        for job in config["scrape_configs"]
        for one in job["static_configs"]
        for target in one["targets"]
    ]
    published = {
        f"{name}:{port.rpartition(':')[2]}" for name, one in OURS.items() for port in one["ports"]
    }
    rules = DEPLOY.parent / "dashboard" / "prometheus" / "rules"
    assert set(targets) <= published
    assert {target.partition(":")[0] for target in targets} == OURS.keys()
    assert all((rules / Path(file).name).is_file() for file in config["rule_files"])
    assert {path.stem for path in rules.iterdir()} - {
        Path(file).stem for file in config["rule_files"]
    } == {"explainers"}


def test_the_compose_files_configuration_gives_each_service_work(tmp_path: Path) -> None:
    file = tmp_path / "sidelight.yaml"
    file.write_text(COMPOSE["configs"]["sidelight"]["content"])
    assert set(configured(load(file, {}, {}).settings)) == OURS.keys()
