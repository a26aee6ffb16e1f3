"""What KServe gives an explainer's container starts the service unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sidelight.config import load
from sidelight.config.settings import ModelSettings, Settings
from sidelight.errors import ConfigError
from sidelight_explainers.command import app
from sidelight_explainers.kserve import settings as kserve
from sidelight_explainers.kserve.arguments import Protocol, meaningful
from sidelight_explainers.kserve.defaults import METHODS, with_default_methods
from sidelight_explainers.methods import OPENING
from sidelight_explainers.models import open_models
from sidelight_explainers.service import serving
from tests.peers import peer_python

ARGUMENTS = ["--model_name", "income", "--predictor_host", "income-predictor.ns"]

_THEIR_ARGUMENTS = """
import json
from kserve.model_server import parser
print(json.dumps([(one.option_strings[-1], one.nargs) for one in parser._actions]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    lines = ["a,b,c", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "reference.csv").write_text("\n".join(lines))
    (tmp_path / "mixed.csv").write_text("y,age,sex\n1,2.5,f\n0,3.5,m\n")
    monkeypatch.chdir(tmp_path)  # where the key of its questions is made
    return tmp_path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """What would be served, without serving it."""
    told: list[Settings] = []

    def keep(config: Path | None, flags: dict[str, object], model: str | None) -> None:
        settings = load(config, flags, {}).settings
        told.append(settings if model is None else kserve.with_methods(settings, model))

    monkeypatch.setattr(serving, "serve", keep)
    return told


def run(*argv: str) -> None:
    result = CliRunner().invoke(app, ["explainers", *argv], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_kserves_own_arguments_make_a_configuration(served: list[Settings]) -> None:
    run(*ARGUMENTS, "--http_port", "8080")
    (settings,) = served
    model = settings.models["income"]
    assert model.predictor is not None
    assert (model.predictor.url, model.predictor.protocol) == ("http://income-predictor.ns", "v1")
    assert settings.explainers.listen == "0.0.0.0:8080"
    assert settings.explainers.grpc_listen is None


def test_all_that_kserve_says_of_the_predictor_is_heard(served: list[Settings]) -> None:
    more = ["--predictor_protocol", "grpc-v2", "--predictor_use_ssl", "true"]
    more += ["--predictor_request_timeout_seconds", "7", "--predictor_request_retries", "4"]
    run(*ARGUMENTS, *more)
    predictor = served[0].models["income"].predictor
    assert predictor is not None
    assert (predictor.url, predictor.protocol) == ("grpcs://income-predictor.ns:443", "grpc")
    assert (predictor.timeout_seconds, predictor.retries) == (7, 4)


def test_ports_connections_and_certificates(served: list[Settings]) -> None:
    run("--listen", "127.0.0.1:1", "--http_port", "8080", "--enable_grpc", "true")
    run("--grpc_port", "9000", "--timeout-keep-alive", "5", "--workers", "3")
    run("--grpc_port", "9000", "--enable_grpc", "False", "--grpc_max_receive_message_length", "99")
    run("--ssl_certfile", "a.pem", "--ssl_keyfile", "b.pem")
    first, second, third, fourth = (one.explainers for one in served)
    assert (first.listen, first.grpc_listen) == ("127.0.0.1:8080", "127.0.0.1:8081")
    assert second.grpc_listen == "0.0.0.0:9000"
    assert (second.keep_alive_seconds, second.workers) == (5, 3)
    assert (third.grpc_listen, third.max_body) == (None, 99)
    assert (fourth.cert_file, fourth.key_file) == (Path("a.pem"), Path("b.pem"))


def test_every_argument_of_kserves_server_is_taken(served: list[Settings]) -> None:
    told = subprocess.run(
        [peer_python("kserve"), "-c", _THEIR_ARGUMENTS], capture_output=True, text=True
    )
    values = {
        "--predictor_protocol": "v2",
        "--protocol": "v2",
        "--enable_grpc": "true",
        "--predictor_use_ssl": "false",
        "--event-loop": "auto",
    }
    for name, arity in json.loads(told.stdout.splitlines()[-1]):
        if name in ("--model_name", "--predictor_host"):
            run(*ARGUMENTS)
        elif name.startswith("--ssl"):
            run("--ssl_certfile", "a", "--ssl_keyfile", "b")
        elif name != "--help":
            run(name, *([] if arity == 0 else [values.get(name, "7")]))


def test_a_model_that_is_nowhere_is_refused(served: list[Settings]) -> None:
    with pytest.raises(ConfigError, match="--model_name income: say where it is"):
        run("--model_name", "income")


def test_an_argument_that_nobody_knows_is_refused_plainly() -> None:
    result = CliRunner().invoke(app, ["explainers", "--predictor_hots", "x"])
    assert result.exit_code == 2
    assert "No such option: --predictor_hots" in result.output


def test_arguments_without_effect_go_with_their_values() -> None:
    told = [
        "--max_threads",
        "4",
        "--a",
        "b",
        "--event-loop=auto",
        "--enable_predictor_health_check",
    ]
    assert list(meaningful(told)) == ["--a", "b"]


def test_features_named_by_a_flag_leave_the_answers_out(folder: Path) -> None:
    flags = kserve.Predictor("a.b", "127.0.0.1:1", Protocol.v2).flags()
    flags |= kserve.reference_flags("a.b", folder / "mixed.csv", ["age", "sex"])
    settings = kserve.with_methods(load(flags=flags, environ={}).settings, "a.b")
    kinds = {name: one.kind for name, one in settings.models["a.b"].features.items()}
    assert kinds == {"age": "numeric", "sex": "categorical"}
    model = open_models(settings)["a.b"]
    assert model is not None
    assert model.example.names == ("age", "sex")


@pytest.mark.parametrize("flag", ["--predictor_host", "--reference", "--features"])
def test_what_is_told_of_no_model_is_refused(flag: str) -> None:
    with pytest.raises(ConfigError, match="with --model_name"):
        CliRunner().invoke(app, ["explainers", flag, "x"], catch_exceptions=False)


def test_features_that_cannot_be_looked_up_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="--features needs --reference"):
        kserve.reference_flags("m", None, ["a"])
    with pytest.raises(ConfigError, match=r"--features: .*reference\.csv.*'d' is missing"):
        kserve.reference_flags("m", folder / "reference.csv", ["a", "d"])


def test_what_kserve_has_mounted_is_found_where_nothing_else_is_told(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIDELIGHT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert kserve.configuration(None, folder) is None
    assert kserve.reference(None, None, folder) == folder / "reference.csv"
    (folder / "sidelight.yaml").touch()
    assert kserve.configuration(None, folder) == folder / "sidelight.yaml"
    assert kserve.configuration(Path("mine.yaml"), folder) == Path("mine.yaml")
    assert kserve.reference(None, Path("mine.yaml"), folder) is None
    assert kserve.reference(Path("r.csv"), None, folder) == Path("r.csv")


@pytest.mark.parametrize(
    ("features", "modality"),
    [({"a": "numeric"}, "tabular"), ({"t": "text"}, "text"), ({"i": "image"}, "image")],
)
def test_methods_that_suit_the_inputs_are_served_where_none_is_configured(
    features: dict[str, str], modality: str
) -> None:
    model = ModelSettings.model_validate({"features": features})
    methods = dict(with_default_methods(model).explainers.methods())
    assert set(methods) == set(METHODS[modality])  # type: ignore[index]
    assert set(methods) <= set(OPENING)
    assert all(modality in one.MODALITIES for one in methods.values())
    told = ModelSettings.model_validate({"features": features, "explainers": {"shapley": {}}})
    assert with_default_methods(told) is told


def test_importing_the_service_stays_light() -> None:
    """What reads a model's file, draws or segments is imported by whoever is configured for it."""
    heavy = "import sys, sidelight_explainers.service.serving; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True)
    absent = {"shap", "skimage", "matplotlib", "pandas", "sklearn", "grpc", "onnxruntime"}
    assert absent.isdisjoint(loaded.stdout.split())
