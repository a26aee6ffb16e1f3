from __future__ import annotations

from pathlib import Path

import pytest

from sidelight.config import Loaded, load
from sidelight.config.fields import Key
from sidelight.config.listing import in_force
from sidelight.errors import ConfigError

WHOLE = """\
log: events
models:
  income:
    predictor: {url: "http://user:pass@127.0.0.1:8080", protocol: v2}
    reference: data/reference.parquet
    features: {age: numeric, sex: {categories: [female, male]}}
    detectors:
      drift: {window: 500, alarm: {false_alarms: 0.01}}
      outlier:
    explainers: {shapley: {budget: 100}}
logger:
  listen: 127.0.0.1:1
  sinks: {there: {url: "http://127.0.0.1:2", token: hush}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sidelight.yaml"
    path.write_text(WHOLE)
    return path


def refusal(path: Path, text: str, **environ: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ)
    return str(caught.value).replace(f"{path}:", "").splitlines()


def accepted(path: Path, text: str, **environ: str) -> Loaded:
    path.write_text(text)
    return load(path, environ=environ)


def test_without_file_flags_or_environment_everything_is_a_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load(environ={})
    assert loaded.file is None
    assert {one.origin for one in in_force(loaded)} == {"default"}


def test_the_file_in_the_current_folder_is_found(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    loaded = load(environ={})
    assert loaded.origin("logger.listen") == "sidelight.yaml:12"
    assert loaded.settings.log.url == "events"


def test_a_variable_names_the_file_and_an_argument_beats_it(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("log: others")
    environ = {"SIDELIGHT_CONFIG": str(file)}
    assert load(environ=environ).file == file
    assert load(other, environ=environ).file == other


def test_a_flag_beats_the_environment_which_beats_the_file_key_by_key(file: Path) -> None:
    environ = {
        "SIDELIGHT_LOGGER__LISTEN": "127.0.0.1:3",
        "SIDELIGHT_LOGGER__METRICS": "127.0.0.1:4",
    }
    loaded = load(file, {"logger.listen": "127.0.0.1:5", "logger.mode": None}, environ)
    logger = loaded.settings.logger
    assert (logger.listen, logger.metrics) == ("127.0.0.1:5", "127.0.0.1:4")
    assert loaded.origin("logger.listen") == "flag"
    assert loaded.origin("logger.metrics") == "environment SIDELIGHT_LOGGER__METRICS"
    assert loaded.origin("logger.sinks.there.url") == f"{file}:13"
    assert loaded.origin("logger.mode") == "default"


def test_a_flag_for_a_name_with_a_dot_is_a_tuple(file: Path) -> None:
    key: Key = ("models", "income-v1.2", "reference")
    loaded = load(file, {key: "r.csv"}, {})
    assert loaded.settings.models["income-v1.2"].reference == Path("r.csv")
    assert loaded.origin(key) == "flag"


def test_the_origin_of_a_short_form_is_where_it_stands(file: Path) -> None:
    loaded = load(file, environ={})
    assert loaded.origin("log.url") == f"{file}:1"
    assert loaded.origin("log.partitions") == "default"
    assert loaded.origin("models.income.features.age.kind") == f"{file}:6"
    assert loaded.origin(("models", "income", "features", "sex", "categories")) == f"{file}:6"


def test_a_short_form_in_the_file_and_a_variable_inside_it_are_joined(file: Path) -> None:
    loaded = load(file, environ={"SIDELIGHT_LOG__PARTITIONS": "4"})
    assert (Path(loaded.settings.log.url).name, loaded.settings.log.partitions) == ("events", 4)
    assert load(file, environ={"SIDELIGHT_LOG": "kafka://b/p"}).settings.log.url == "kafka://b/p"


def test_a_variable_finds_chosen_names_in_any_case_and_with_underscores(tmp_path: Path) -> None:
    loaded = accepted(
        tmp_path / "c.yaml",
        "models: {Adult-Income: {reference: r.csv, features: {Age: categorical}}}",
        SIDELIGHT_MODELS__ADULT_INCOME__FEATURES__AGE="numeric",
        SIDELIGHT_MODELS__ADULT_INCOME__DETECTORS__DRIFT__WINDOW="50",
        SIDELIGHT_MODELS__OTHER__REFERENCE="other.csv",
    )
    models = loaded.settings.models
    assert set(models) == {"Adult-Income", "other"}
    assert models["Adult-Income"].features["Age"].kind == "numeric"
    drift = models["Adult-Income"].detectors.drift
    assert drift is not None
    assert drift.window == 50


def test_a_variable_for_text_stays_text_and_others_are_read_as_yaml(file: Path) -> None:
    environ = {
        "SIDELIGHT_LOGGER__SINKS__THERE__TOKEN": "12345",
        "SIDELIGHT_LOGGER__NAMESPACE": "no",
        "SIDELIGHT_LOGGER__HEADERS": "[a, b]",
        "SIDELIGHT_LOGGER__RETURN_REQUEST_ID": "false",
        "SIDELIGHT_LOG__RETAIN_SECONDS": "1e3",
    }
    settings = load(file, environ=environ).settings
    token = settings.logger.sinks["there"].token
    assert token is not None
    assert token.get_secret_value() == "12345"
    assert settings.logger.namespace == "no"
    assert settings.logger.headers == ("a", "b")
    assert settings.logger.return_request_id is False
    assert settings.log.retain_seconds == 1000.0


def test_variables_that_kubernetes_sets_for_a_service_of_our_name_are_left_alone(
    file: Path,
) -> None:
    kubernetes = {
        "SIDELIGHT_SERVICE_HOST": "10.0.0.1",
        "SIDELIGHT_SERVICE_PORT": "80",
        "SIDELIGHT_SERVICE_PORT_HTTP": "80",
        "SIDELIGHT_PORT": "tcp://10.0.0.1:80",
        "SIDELIGHT_LOGGER_PORT_9081_TCP": "tcp://10.0.0.1:9081",
        "SIDELIGHT_LOGGER_PORT_9081_TCP_ADDR": "10.0.0.1",
    }
    assert load(file, environ=kubernetes).settings == load(file, environ={}).settings


def test_relative_paths_in_the_file_are_relative_to_it_and_others_to_the_current_folder(
    file: Path,
) -> None:
    loaded = load(file, environ={})
    assert loaded.settings.log.url == str(file.parent / "events")
    assert loaded.settings.models["income"].reference == file.parent / "data/reference.parquet"
    environ = {"SIDELIGHT_MODELS__INCOME__REFERENCE": "here.csv"}
    assert load(file, environ=environ).settings.models["income"].reference == Path("here.csv")


def test_addresses_and_absolute_paths_in_the_file_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    assert accepted(file, "log: kafka://broker:9092/p").settings.log.url == "kafka://broker:9092/p"
    assert accepted(file, "log: /var/log.db").settings.log.url == "/var/log.db"


def test_the_log_lies_beside_the_file_by_default(tmp_path: Path) -> None:
    loaded = accepted(tmp_path / "c.yaml", "")
    assert loaded.settings.log.url == str(tmp_path / "sidelight.db")
    assert loaded.origin("log.url") == "default"


def test_a_detector_with_nothing_after_its_colon_runs_with_its_defaults(tmp_path: Path) -> None:
    text = "models: {m: {reference: r.csv, detectors: {outlier: %s}}}"
    on = accepted(tmp_path / "c.yaml", text % "").settings.models["m"].detectors.outlier
    assert on is not None
    assert on.rate == 0.01
    off = accepted(tmp_path / "c.yaml", text % "null").settings.models["m"].detectors.outlier
    assert off is None


def test_a_variable_switches_a_detector_off_or_on(file: Path) -> None:
    environ = {"SIDELIGHT_MODELS__INCOME__DETECTORS__DRIFT": "null"}
    assert load(file, environ=environ).settings.models["income"].detectors.drift is None
    environ = {"SIDELIGHT_MODELS__INCOME__DETECTORS__DRIFT": "{}"}
    drift = load(file, environ=environ).settings.models["income"].detectors.drift
    assert drift is not None
    assert drift.window == 500


def test_secrets_and_passwords_in_addresses_are_not_shown(file: Path) -> None:
    shown = {one.key: one.value for one in in_force(load(file, environ={}))}
    assert shown["logger", "sinks", "there", "token"] == "***"
    assert shown["models", "income", "predictor", "url"] == "http://***@127.0.0.1:8080"


def test_every_setting_in_force_has_its_origin(file: Path) -> None:
    origins = {one.key: one.origin for one in in_force(load(file, environ={}))}
    assert origins["models", "income", "detectors", "drift", "window"] == f"{file}:8"
    assert origins["models", "income", "detectors", "outlier", "rate"] == "default"
    assert origins["logger", "metrics"] == "default"


def test_an_unknown_key_is_refused_with_the_nearest_valid_one(tmp_path: Path) -> None:
    text = "log: x\nmodels:\n  m:\n    refrence: r.csv\n"
    assert refusal(tmp_path / "c.yaml", text) == [
        "4: models.m.refrence: there is no such setting; did you mean models.m.reference?"
    ]


def test_an_unknown_key_that_is_known_elsewhere_says_where(tmp_path: Path) -> None:
    assert refusal(tmp_path / "c.yaml", "tolerance: 0.1") == [
        "1: tolerance: there is no such setting; "
        "did you mean models.<model>.detectors.drift.tolerance?"
    ]


def test_an_unknown_key_like_no_other_gets_the_list(tmp_path: Path) -> None:
    assert refusal(tmp_path / "c.yaml", "zzz: 1") == [
        "1: zzz: there is no such setting; "
        "there are dashboard, detectors, explainers, joiner, log, logger, models, "
        "probes, receiver"
    ]


def test_an_unknown_variable_is_refused_by_its_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "c.yaml", "", SIDELIGHT_LOGGER__LISTN="x") == [
        "environment SIDELIGHT_LOGGER__LISTN: logger.listn: there is no such setting; "
        "did you mean logger.listen?"
    ]


def test_variables_that_name_a_broker_for_the_demo_and_the_tests_are_no_settings(
    tmp_path: Path,
) -> None:
    (tmp_path / "c.yaml").write_text("")
    broker = {"SIDELIGHT_KAFKA": "127.0.0.1:9092", "SIDELIGHT_REQUIRE_KAFKA": "1"}
    assert (
        load(tmp_path / "c.yaml", environ=broker).settings
        == load(tmp_path / "c.yaml", environ={}).settings
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
log: {partitions: 0}
models:
  m:
    predictor: {url: a, model: b}
    features: {age: numerical, sex: {categories: [[1]]}}
logger: {listen: 8080, sinks: {there: {token: 3}}}
detectors: 5
explainers: {listen: here}
"""
    assert refusal(tmp_path / "c.yaml", text) == [
        "1: log.partitions is 0; it should be greater than or equal to 1",
        "4: models.m.predictor: set one of 'url' (a model server) and 'model' (a file)",
        "5: models.m.features.age is 'numerical'; it should be 'numeric', 'categorical', 'image', "
        "'tensor' or 'text'",
        "5: models.m.features.sex.categories is [1]; it should be a valid string",
        "6: logger.listen is 8080; it should be a valid string",
        "6: logger.sinks.there.url is missing",
        "6: logger.sinks.there.token is a secret of the wrong kind; it should be a valid string",
        "7: detectors is 5; expected settings as 'key: value'",
        "8: explainers.listen: 'here' is not an address to listen on; write 127.0.0.1:9081",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("log: [1, 2", "1: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n\tb: 2", "2: not YAML: found character '\\t' that cannot start any token"),
        ("- a", "1: expected settings as 'key: value'"),
        ("[a]: 1", "1: a key must be a plain name"),
        ("log: x\nlogger: {}\nlog: y", "3: log is set twice, first in line 1"),
        ("log: {url: a,\n  url: b}", "2: log.url is set twice, first in line 1"),
        ("log: !!python/object/apply:os.getcwd []", "1: not YAML: could not determine a "),
        ("logger: &a\n  redact: *a", "1: nests deeper than 32 levels"),
        ("log: \x07", " character 5: special characters are not allowed"),
    ],
)
def test_a_file_that_is_no_plain_yaml_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refusal(tmp_path / "c.yaml", text)[0].startswith(message)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file or directory"):
        load(tmp_path / "nowhere.yaml", environ={})
    (tmp_path / "latin.yaml").write_bytes(b"log: caf\xe9")
    with pytest.raises(ConfigError, match=r"latin\.yaml: byte 8 is not UTF-8 text"):
        load(tmp_path / "latin.yaml", environ={})


def test_scalars_follow_yaml_1_2_so_that_categories_stay_what_was_written(tmp_path: Path) -> None:
    text = "models: {m: {features: {f: {categories: [NO, on, 12:30, 01234, 1e3, 7, true, 0.5]}}}}"
    feature = accepted(tmp_path / "c.yaml", text).settings.models["m"].features["f"]
    assert feature.categories == ("NO", "on", "12:30", "01234", 1000.0, 7, True, 0.5)


def test_merge_keys_and_anchors_work_and_names_may_be_numbers(tmp_path: Path) -> None:
    text = """\
models:
  1: &first {reference: r.csv, features: {age: numeric}}
  2: {<<: *first, reference: other.csv}
  3: {<<: *first}
  4: {<<: *first}
"""
    models = accepted(tmp_path / "c.yaml", text).settings.models
    assert models["1"].features == models["2"].features == models["4"].features
    assert [model.reference for model in models.values()] == [
        tmp_path / name for name in ("r.csv", "other.csv", "r.csv", "r.csv")
    ]


def test_settings_do_not_change_after_loading(file: Path) -> None:
    loaded = load(file, environ={})
    with pytest.raises(ValueError, match="frozen"):
        loaded.settings.logger.listen = "x"
