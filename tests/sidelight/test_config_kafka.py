from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from sidelight.config import load
from sidelight.config.brokers import KafkaAddress
from sidelight.config.files import require_files
from sidelight.config.listing import in_force
from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.errors import ConfigError
from sidelight.log.kafka.connecting import client_options

LOGIN = {"security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "username": "sue"}


def log(url: str = "kafka://h:9092/p", **kafka: Any) -> LogSettings:
    return LogSettings(url=url, kafka=KafkaSettings.model_validate(kafka))


@pytest.mark.parametrize(
    ("url", "servers", "prefix"),
    [
        ("kafka://h1:9092,h2:9093/watch", ("h1:9092", "h2:9093"), "watch"),
        ("kafka://broker", ("broker:9092",), ""),
        ("kafka://broker/", ("broker:9092",), ""),
        ("kafka://[::1]:9094/a.b-c_1", ("[::1]:9094",), "a.b-c_1"),
        ("kafka://[::1]/x", ("[::1]:9092",), "x"),
    ],
)
def test_an_address_gives_servers_and_a_prefix(
    url: str, servers: tuple[str, ...], prefix: str
) -> None:
    assert KafkaAddress.parse(url) == KafkaAddress(servers, prefix)


def test_a_topic_stands_behind_the_prefix_and_plain_without_one() -> None:
    assert KafkaAddress(("h:1",), "watch").topic("inference") == "watch.inference"
    assert KafkaAddress(("h:1",), "").topic("inference") == "inference"


@pytest.mark.parametrize("url", ["kafak://h:9092/p", "Kafka://h/p"])
def test_a_mistyped_address_is_not_taken_for_a_folder(url: str, tmp_path: Path) -> None:
    path = tmp_path / "sidelight.yaml"
    path.write_text(f"log: {{url: '{url}'}}\n")

    with pytest.raises(ConfigError, match=rf"yaml:1: log\.url is '{url}'; write kafka://"):
        load(path)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("kafka:///p", r"'' is not HOST:PORT; write kafka://HOST:PORT"),
        ("kafka://", r"'' is not HOST:PORT"),
        ("kafka://h:99999/p", r"'h:99999' is not HOST:PORT"),
        ("kafka://h:/p", r"'h:' is not HOST:PORT"),
        ("kafka://h1:9092,,h2/p", r"'' is not HOST:PORT"),
        ("kafka://h/a/b", r"the prefix 'a/b' may hold letters"),
        ("kafka://h/a b", r"the prefix 'a b' may hold letters"),
        ("kafka://h/..", r"the prefix '\.\.' is made of dots only"),
        ("kafka://h/" + "x" * 201, r"has 201 characters; choose one of 200 at most"),
        ("kafka://h?x=1/p", r"'h\?x=1' is not HOST:PORT"),
        ("kfaka://h/p", r"log\.url is 'kfaka://h/p'; write kafka://"),
    ],
)
def test_a_wrong_address_is_refused_with_its_part_and_the_way_out(url: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        KafkaAddress.parse(url)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match=r"log\.kafka\.username") as refusal:
        KafkaAddress.parse("kafka://sue:hunter2@h/p")
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    ("kafka", "complaint"),
    [
        ({**LOGIN, "sasl_mechanism": None, "password": "x"}, r"sasl_mechanism: not set"),
        ({**LOGIN, "username": None, "password": "x"}, r"log\.kafka\.username: not set"),
        (LOGIN, r"log\.kafka\.password_file: not set, and SASL_SSL needs it"),
        ({**LOGIN, "password": "x", "password_file": "y"}, r"set one of the two"),
        ({"username": "sue"}, r"username: PLAINTEXT logs nobody in; set .* to SASL_SSL"),
        ({"security_protocol": "SSL", "password": "x"}, r"password: SSL logs nobody in"),
        ({"ca_file": "ca.pem"}, r"ca_file: PLAINTEXT uses no certificate; set .* to SSL"),
        ({"security_protocol": "SSL", "key_file": "k"}, r"cert_file: not set, and log\.kafka"),
        ({"security_protocol": "SSL", "ca_file": "no"}, r"ca_file: there is no file no"),
    ],
)
def test_settings_that_cannot_work_together_name_their_key(
    kafka: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigError, match=complaint):
        client_options(log(**kafka))


def test_a_local_log_asks_nothing_of_the_kafka_settings() -> None:
    assert load(flags={"log.kafka.username": "sue"}, environ={}).settings.log.kafka.username


def test_the_file_says_where_a_fault_is_and_a_secret_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "sidelight.yaml"
    path.write_text(
        "log:\n  url: kafka://h/p\n  kafka:\n    security_protocol: sasl_ssl\n"
        "    sasl_mechanism: scram-sha-512\n    password: hunter2\n"
    )
    with pytest.raises(ConfigError, match=r"log\.kafka\.username: not set") as refusal:
        load(path, environ={})
    assert "hunter2" not in str(refusal.value)
    loaded = load(path, environ={"SIDELIGHT_LOG__KAFKA__USERNAME": "sue"})
    shown = {".".join(one.key): one.value for one in in_force(loaded)}
    assert shown["log.kafka.password"] == "***"
    assert shown["log.kafka.security_protocol"] == "SASL_SSL"
    assert shown["log.kafka.sasl_mechanism"] == "SCRAM-SHA-512"


def test_a_relative_file_is_beside_the_configuration_and_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "sidelight.yaml"
    path.write_text("log: {url: 'kafka://h/p', kafka: {security_protocol: SSL, ca_file: ca.pem}}\n")
    loaded = load(path, environ={})
    assert loaded.settings.log.kafka.ca_file == tmp_path / "ca.pem"
    with pytest.raises(ConfigError, match=r"ca_file: there is no file .*ca\.pem"):
        require_files(loaded)


def test_the_clients_options_carry_addresses_login_and_verified_tls(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    options = client_options(log("kafka://h1:1,h2:2/p", **LOGIN, password_file=secret))
    assert options["bootstrap_servers"] == ["h1:1", "h2:2"]
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_username"] == "sue"
    assert options["sasl_plain_password"] == "hunter2"
    assert options["ssl_context"].verify_mode == ssl.CERT_REQUIRED
    assert options["ssl_context"].check_hostname


def test_a_plain_connection_carries_no_login() -> None:
    options = client_options(log())
    assert not {name for name in options if name.startswith(("sasl", "ssl"))}


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    with pytest.raises(ConfigError, match=r"log\.kafka\.ca_file .*ca\.pem cannot be used"):
        client_options(log(security_protocol="SSL", ca_file=path))
    with pytest.raises(ConfigError, match=r"log\.kafka\.cert_file .*ca\.pem cannot be used"):
        client_options(log(security_protocol="SSL", cert_file=path))


def test_a_password_is_a_secret_in_every_rendering() -> None:
    settings = KafkaSettings(password=SecretStr("hunter2"))
    assert "hunter2" not in repr(settings) + str(settings) + settings.model_dump_json()
