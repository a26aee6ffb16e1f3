from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sidelight.config import Listen, Settings, load
from sidelight.config.files import require_files
from sidelight.config.services import configured, upstream
from sidelight.errors import ConfigError

MODEL = 'models: {m: {predictor: {url: "http://127.0.0.1:8080"}, reference: r.csv, %s}}\n'


def refusal(folder: Path, text: str) -> list[str]:
    path = folder / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    return str(caught.value).replace(f"{path}:", "").splitlines()


def settings(folder: Path, text: str) -> Settings:
    path = folder / "c.yaml"
    path.write_text(text)
    return load(path, environ={}).settings


def test_detectors_and_explainers_need_a_reference(tmp_path: Path) -> None:
    text = """\
models:
  m:
    predictor: {url: "http://127.0.0.1:8080"}
    detectors: {drift: {}}
    explainers: {shapley: {}}
"""
    assert refusal(tmp_path, text) == [
        "4: models.m.detectors.drift needs models.m.reference, which is not set",
        "5: models.m.explainers.shapley needs models.m.reference, which is not set",
    ]


def test_explainers_need_a_predictor(tmp_path: Path) -> None:
    text = "models: {m: {reference: r.csv, explainers: {shapley: {}}}}"
    assert refusal(tmp_path, text) == [
        "1: models.m.explainers.shapley needs models.m.predictor, which is not set"
    ]


def test_a_logger_needs_to_know_its_model_server(tmp_path: Path) -> None:
    text = "models: {a: {predictor: {url: 'http://x'}}, b: {predictor: {url: 'http://y'}}}\n"
    assert upstream(settings(tmp_path, text + "logger: {mode: all}")) is None
    with pytest.raises(ConfigError, match=r"c\.yaml.*: logger\.upstream is not set, and there"):
        require_files(load(tmp_path / "c.yaml", environ={}))


def test_a_log_can_be_looked_at_where_a_flag_names_the_model_server(tmp_path: Path) -> None:
    assert settings(tmp_path, "logger: {mode: all}").logger.mode == "all"
    images = Path(__file__).parents[2] / "logger" / "container.yaml"
    assert upstream(load(images, environ={}).settings) is None


def test_the_logger_takes_the_only_predictors_address(tmp_path: Path) -> None:
    assert upstream(settings(tmp_path, MODEL % "")) == "http://127.0.0.1:8080"
    text = MODEL % "" + 'logger: {upstream: "http://127.0.0.1:1"}'
    assert upstream(settings(tmp_path, text)) == "http://127.0.0.1:1"


def test_a_logger_that_would_forward_to_itself_is_refused(tmp_path: Path) -> None:
    text = 'logger: {listen: "127.0.0.1:8080", upstream: "http://127.0.0.1:8080/"}'
    (line,) = refusal(tmp_path, text)
    assert "would forward to itself" in line


def test_addresses_that_collide_are_refused(tmp_path: Path) -> None:
    text = "detectors: {listen: '127.0.0.1:7000'}\nexplainers: {listen: '0.0.0.0:7000'}"
    assert refusal(tmp_path, text) == [
        "2: explainers.listen is 0.0.0.0:7000, which detectors.listen uses too; choose another port"
    ]


@pytest.mark.parametrize("text", ["9081", ":9081", "host", "host:", "host:65536", "host:-1", "h:²"])
def test_an_address_needs_a_host_and_a_port(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, f"detectors: {{listen: '{text}'}}") == [
        f"1: detectors.listen: '{text}' is not an address to listen on; write 127.0.0.1:9081"
    ]


def test_addresses_are_read_and_written_alike() -> None:
    assert Listen.parse("[::1]:80") == Listen("::1", 80)
    assert str(Listen("::1", 80)) == "[::1]:80"
    assert Listen.parse("0.0.0.0:80").url == "http://localhost:80"
    assert not Listen("127.0.0.1", 0).collides_with(Listen("127.0.0.1", 0))
    assert not Listen("127.0.0.1", 1).collides_with(Listen("127.0.0.2", 1))


def test_services_run_when_they_have_something_to_do(tmp_path: Path) -> None:
    assert configured(settings(tmp_path, "")) == ()
    assert configured(settings(tmp_path, MODEL % "")) == ("logger",)
    watched = MODEL % "detectors: {drift: {}}"
    assert configured(settings(tmp_path, watched)) == ("logger", "detectors", "dashboard")
    unseen = watched + "\ndashboard: {enabled: false}"
    assert configured(settings(tmp_path, unseen)) == ("logger", "detectors")
    assert configured(settings(tmp_path, MODEL % "explainers: {shapley: {}}")) == (
        "logger",
        "explainers",
    )


def test_files_that_are_not_there_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("models:\n  m:\n    reference: r.csv\n    predictor: {model: m.onnx}\n")
    loaded = load(path, environ={})
    with pytest.raises(ConfigError) as caught:
        require_files(loaded)
    assert str(caught.value).splitlines() == [
        f"{path}:3: models.m.reference ({tmp_path / 'r.csv'}): there is no such file",
        f"{path}:4: models.m.predictor.model: there is no file {tmp_path / 'm.onnx'}",
    ]
    (tmp_path / "r.csv").write_text("x\n1\n")
    (tmp_path / "m.onnx").touch()
    require_files(loaded)


REFERENCE = """\
models:
  m:
    predictor: {url: "http://127.0.0.1:8080"}
    reference: NAME
    features: {agee: numeric}
    outputs: {probability: numeric}
    detectors: {drift: {}}
"""


def file_refusal(folder: Path, text: str) -> list[str]:
    path = folder / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        require_files(load(path, environ={}))
    return str(caught.value).replace(f"{path}:", "").replace(f"{folder}/", "").splitlines()


def test_files_that_the_dashboard_would_miss_are_told_before_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "sidelight.yaml"
    path.write_text(
        "dashboard:\n"
        "  cert_file: no.crt\n"
        "  key_file: no.key\n"
        "  tokens: {owners: {token_file: owners}}\n"
        '  alerts: {webhooks: {chat: {url: "http://127.0.0.1:1", token_file: chat}}}\n'
    )
    with pytest.raises(ConfigError) as told:
        require_files(load(path))
    assert str(told.value).splitlines() == [
        f"{path}:2: dashboard.cert_file: there is no file {tmp_path / 'no.crt'}",
        f"{path}:3: dashboard.key_file: there is no file {tmp_path / 'no.key'}",
        f"{path}:4: dashboard.tokens.owners.token_file: there is no file {tmp_path / 'owners'}",
        f"{path}:5: dashboard.alerts.webhooks.chat.token_file:"
        f" there is no file {tmp_path / 'chat'}",
    ]


def test_a_column_that_the_reference_lacks_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("age,sex\n1,f\n")
    assert file_refusal(tmp_path, REFERENCE.replace("NAME", "r.csv")) == [
        "5: models.m.reference (r.csv): has no column 'agee', named by models.m.features.agee; "
        "did you mean 'age'?",
        "6: models.m.reference (r.csv): has no column 'probability', "
        "named by models.m.outputs.probability; there are age, sex",
    ]


def test_columns_that_detectors_name_are_looked_for_too(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("agee,probability\n1,0.5\n")
    asked = "{drift: {by: ages}, performance: {probability: probability, label: y}}"
    text = REFERENCE.replace("NAME", "r.csv").replace("{drift: {}}", asked)
    told = "7: models.m.reference (r.csv): has no column"
    place = "named by models.m.detectors"
    assert file_refusal(tmp_path, text) == [
        f"{told} 'ages', {place}.drift.by; did you mean 'agee'?",
        f"{told} 'y', {place}.performance.label; there are agee, probability",
    ]
    of_encoded = text.replace("by: ages", "by: agee.mean").replace("label: y", "label: agee")
    (tmp_path / "c.yaml").write_text(of_encoded)
    require_files(load(tmp_path / "c.yaml", environ={}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r.tsv", "models.m.reference (r.tsv): not a table by its name; use CSV"),
        ("r.parquet", "models.m.reference (r.parquet): cannot be read as a table: "),
    ],
)
def test_a_reference_that_is_no_table_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_text("age\tsex\n")
    (line,) = file_refusal(tmp_path, REFERENCE.replace("NAME", name))
    assert line.startswith(f"4: {words}")


def test_a_fitted_reference_cannot_serve_explainers(tmp_path: Path) -> None:
    (tmp_path / "r.npz").touch()
    text = REFERENCE.replace("NAME", "r.npz")
    (tmp_path / "c.yaml").write_text(text)
    require_files(load(tmp_path / "c.yaml", environ={}))
    (line,) = file_refusal(
        tmp_path, text.replace("detectors: {drift: {}}", "explainers: {shapley: }")
    )
    assert line.startswith(
        "4: models.m.reference (r.npz): a fitted reference serves detectors only"
    )


def test_without_what_reads_tables_only_the_files_presence_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sidelight.tables", None)
    (tmp_path / "r.csv").write_text("age\n")
    path = tmp_path / "c.yaml"
    path.write_text(REFERENCE.replace("NAME", "r.csv"))
    require_files(load(path, environ={}))
    (line,) = file_refusal(tmp_path, REFERENCE.replace("NAME", "gone.csv"))
    assert line == "4: models.m.reference (gone.csv): there is no such file"


BIAS = """\
models:
  m:
    predictor: {url: "http://127.0.0.1:8080"}
    reference: r.csv
    outputs: {p: categorical}
    outcome: {prediction: p}
    detectors:
      adversarial: {client: X-User}
      bias: {protected: {region: {header: X-Region, groups: [n, s]}, race: {}}}
"""


def wrong_files(folder: Path, text: str) -> list[str]:
    (folder / "r.csv").write_text("a,p\n1,1\n")
    path = folder / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        require_files(load(path, environ={}))
    return str(caught.value).replace(f"{path}", "c.yaml").splitlines()


def test_groups_that_nobody_names_and_headers_that_are_not_kept_are_told(tmp_path: Path) -> None:
    race, client, region = wrong_files(tmp_path, BIAS)
    assert race.startswith("c.yaml: models.m.reference (")
    assert "has no column 'race' to take the groups of" in race
    assert client == (
        "c.yaml:8: models.m.detectors.adversarial.client is X-User, a header that the logger does"
        " not keep; add it to logger.headers"
    )
    assert region.startswith("c.yaml:9: models.m.detectors.bias.protected.region.header is")


def test_a_redacted_header_is_not_kept_whatever_headers_allow(tmp_path: Path) -> None:
    text = BIAS.replace(", race: {}", "").replace("X-User", "Authorization")
    (line,) = wrong_files(tmp_path, text + "logger: {headers: [authorization, x-region]}\n")
    assert "take it out of logger.redact.headers" in line


def test_headers_are_the_business_of_a_logger_that_runs_elsewhere(tmp_path: Path) -> None:
    text = BIAS.replace('    predictor: {url: "http://127.0.0.1:8080"}\n', "")
    (line,) = wrong_files(tmp_path, text)
    assert "'race'" in line


def test_methods_and_options_for_other_inputs_are_refused(tmp_path: Path) -> None:
    text = """\
models:
  m:
    predictor: {url: "http://127.0.0.1:8080"}
    reference: r.csv
    features: {review: {kind: text}}
    explainers:
      leave_one_out: {}
      similar: {}
      shapley: {image: {count: 9}, text: {unit: sentence}}
"""
    assert refusal(tmp_path, text) == [
        "8: models.m.explainers.similar is for tabular inputs, and the model's are text;"
        " leave it out",
        "9: models.m.explainers.shapley.image is for image inputs, and the model's are text;"
        " leave it out",
    ]
