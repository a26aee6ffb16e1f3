"""Logins, certificates and rights on a broker that insists on them."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

from sidelight.config.brokers import KafkaAddress
from sidelight.config.settings import KafkaSettings, LogSettings
from sidelight.demo.broker import Broker
from sidelight.errors import LogDenied, LogError, LogUnreachable, RecordTooLarge
from sidelight.log import Log, Position, Record, open_log
from sidelight.log.kafka.access import SERVICES, Grant, grants
from sidelight.log.kafka.dialling import dial
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create, standings
from sidelight.log.topics import ALARMS, ALL, DEAD_LETTERS, HALVES, INFERENCE, PANES, RESULTS
from tests.kafka import require_kafka
from tests.sidelight.kafka_security import PASSWORDS, Authority, secured
from tests.sidelight.test_command import run
from tests.sidelight.test_kafka_docs import PAGE, require_kcat, shell

PREFIX = "guarded"

# kafka-python leaves the socket of a failed handshake to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collects such sockets while the warning about them is expected."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    authority.create()
    return authority


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Broker]:
    """With the log's topics, and with the rights that `sidelight topics --acls` prints."""
    require_kafka()
    with secured(tmp_path_factory.mktemp("guarded") / "kafka", authority) as broker:
        owner = LogSettings(url=f"kafka://{broker.bootstrap}/{PREFIX}")
        create(owner, plans(owner))
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
        for service in SERVICES:
            admin.create_acls(
                [
                    acl
                    for grant in grants(KafkaAddress.parse(owner.url), service)
                    for acl in acls(grant)
                ]
            )
        admin.close()
        yield broker


def acls(grant: Grant) -> Iterator[ACL]:
    pattern = {
        "topic": ACLResourcePatternType.LITERAL,
        "group": ACLResourcePatternType.PREFIXED,
    }[grant.resource]
    for name in grant.names:
        resource = ResourcePattern(ResourceType[grant.resource.upper()], name, pattern)
        for operation in grant.operations:
            yield ACL(
                f"User:{grant.user}",
                "*",
                ACLOperation[operation],
                ACLPermissionType.ALLOW,
                resource,
            )


def settings(
    broker: Broker, authority: Authority, user: str, prefix: str = PREFIX, **changes: Any
) -> LogSettings:
    kafka = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "username": user,
        "password": PASSWORDS[user],
        "ca_file": authority.certificate,
        "timeout_seconds": 10,
    }
    return LogSettings(
        url=f"kafka://{broker.address('SASL_SSL')}/{prefix}",
        kafka=KafkaSettings.model_validate(kafka | changes),
    )


def test_the_command_makes_topics_with_a_password_from_a_file(
    broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORDS["owner"] + "\n")
    (tmp_path / "sidelight.yaml").write_text(
        f"log:\n  url: kafka://{broker.address('SASL_SSL')}/mine\n  kafka:\n"
        "    security_protocol: sasl_ssl\n    sasl_mechanism: scram-sha-512\n"
        f"    username: owner\n    password_file: password\n    ca_file: {authority.certificate}\n"
    )
    made = run("topics", "--create", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert "mine.inference" in made.stdout


def test_a_wrong_password_is_one_line_without_it(
    broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "sidelight.yaml").write_text(
        f"log:\n  url: kafka://{broker.address('SASL_SSL')}/mine\n  kafka:\n"
        "    security_protocol: sasl_ssl\n    sasl_mechanism: scram-sha-512\n"
        f"    username: owner\n    password: hunter2\n    ca_file: {authority.certificate}\n"
    )
    told = run("topics", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.splitlines() == [
        f"sidelight: Kafka at {broker.address('SASL_SSL')} refuses the login of 'owner'; correct"
        " log.kafka.username or its password"
    ]


def test_an_unknown_authority_is_told_with_the_setting(
    broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path)
    other.create()
    with pytest.raises(LogDenied, match=r"certificate verify failed.*set log\.kafka\.ca_file"):
        standings(settings(broker, authority, "owner", ca_file=other.certificate))


def test_a_mechanism_that_the_listener_does_not_have_is_told(
    broker: Broker, authority: Authority
) -> None:
    # The broker answers and closes; kafka-python often sees the second only.
    with pytest.raises(LogError, match=r"log\.kafka\.sasl_mechanism"):
        standings(settings(broker, authority, "owner", sasl_mechanism="SCRAM-SHA-256"))


def test_a_login_where_none_is_taken_is_told_at_once(broker: Broker, authority: Authority) -> None:
    log = settings(broker, authority, "owner", security_protocol="SASL_PLAINTEXT", ca_file=None)
    log = log.model_copy(update={"url": f"kafka://{broker.bootstrap}/{PREFIX}"})
    with pytest.raises(LogDenied, match=r"takes no login there; .*security_protocol to PLAINTEXT"):
        standings(log)


def test_brokers_under_another_name_than_their_certificates_are_told(authority: Authority) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("elsewhere", "DNS:kafka.example"))

    def shake_hands() -> None:
        with contextlib.suppress(OSError):  # of the client, and of the closed listener
            while True:
                with contextlib.suppress(ssl.SSLError):
                    context.wrap_socket(server.accept()[0], server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=shake_hands)
        answering.start()
        kafka = KafkaSettings(security_protocol="SSL", ca_file=authority.certificate)
        url = f"kafka://127.0.0.1:{server.getsockname()[1]}/{PREFIX}"
        with pytest.raises(LogDenied, match=r"mismatch.*; name the brokers in log\.url"):
            standings(LogSettings(url=url, kafka=kafka))
        server.shutdown(socket.SHUT_RDWR)
        answering.join()


def test_a_plain_client_at_a_port_with_tls_is_told_what_it_speaks(broker: Broker) -> None:
    url = f"kafka://{broker.address('SASL_SSL')}/{PREFIX}"
    log = LogSettings(url=url, kafka=KafkaSettings(timeout_seconds=2))
    with pytest.raises(LogUnreachable, match=r"PLAINTEXT \(log\.kafka\.security_protocol\)"):
        standings(log)


def test_a_client_certificate_is_a_login(broker: Broker, authority: Authority) -> None:
    certificate, key = authority.sign("dashboard")

    def presenting(**files: Any) -> LogSettings:
        kafka = KafkaSettings(
            security_protocol="SSL", ca_file=authority.certificate, timeout_seconds=10, **files
        )
        return LogSettings(url=f"kafka://{broker.address('SSL')}/{PREFIX}", kafka=kafka)

    own = presenting(cert_file=certificate, key_file=key)
    assert all(standing.partitions == 1 for standing in standings(own))
    with pytest.raises(LogDenied, match=r"set log\.kafka\.cert_file and key_file"):
        standings(presenting())


def test_who_has_no_rights_is_told_which_one_to_ask_for(
    broker: Broker, authority: Authority
) -> None:
    with pytest.raises(LogDenied, match=r"see guarded\.inference; ask for DESCRIBE on it"):
        standings(settings(broker, authority, "stranger"))


def test_who_may_only_read_cannot_make_topics(broker: Broker, authority: Authority) -> None:
    log = settings(broker, authority, "dashboard")
    assert all(standing.configs is None for standing in standings(log))
    with pytest.raises(LogDenied, match=r"not let dashboard create other\.inference; .* CREATE"):
        create(log, plans(settings(broker, authority, "dashboard", prefix="other")))


def test_the_administrators_rights_are_enough_to_make_and_check_topics(
    broker: Broker, authority: Authority
) -> None:
    log = settings(broker, authority, "admin")
    create(log, plans(log))
    assert all(standing.configs == standing.plan.configs for standing in standings(log))


def test_each_service_can_do_its_work_and_no_more(broker: Broker, authority: Authority) -> None:
    def opened(user: str) -> AbstractContextManager[Log]:
        return closing(open_log(settings(broker, authority, user)))

    with opened("logger") as logger:
        [kept] = logger.append(INFERENCE, [Record(b"exchange", key=b"1")])
        logger.append(DEAD_LETTERS, [Record(b"letter")])
        with pytest.raises(RecordTooLarge, match="the topic takes 16777216"):
            logger.append(INFERENCE, [Record(bytes(17 << 20))])
        with pytest.raises(LogDenied):
            logger.append(ALARMS, [Record(b"false alarm")])
        with pytest.raises(LogError):
            logger.get(kept)
    with opened("joiner") as joiner:
        [half] = joiner.append(HALVES, [Record(b"half")])
        assert joiner.get(half).record.value == b"half"
        joiner.append(INFERENCE, [Record(b"pair")])
        commit_in_a_group(joiner, "joiner", HALVES)
    with opened("detectors") as detectors:
        assert detectors.get(kept).record.value == b"exchange"
        commit_in_a_group(detectors, "scorer", INFERENCE)
        for topic in (PANES, RESULTS, ALARMS):
            [told] = detectors.append(topic, [Record(b"told")])
            assert detectors.get(told).record.value == b"told"
        with pytest.raises(LogDenied):
            detectors.append(INFERENCE, [Record(b"forged")])
    with opened("dashboard") as reader:
        assert [reader.span(topic, 0).begin for topic in ALL] == [0] * len(ALL)
        values = [
            stored.record.value
            for topic in (PANES, RESULTS, ALARMS, DEAD_LETTERS)
            for partition in range(reader.partitions(topic))
            for stored in reader.read(topic, partition, 0)
        ]
        assert sorted(values) == [b"letter", b"told", b"told", b"told"]
        assert reader.get(kept).record.value == b"exchange"
        assert reader.offset_at(INFERENCE, 0, 0) == 0
        assert reader.log_id
        with pytest.raises(LogDenied):
            reader.append(INFERENCE, [Record(b"forged")])


def commit_in_a_group(log: Log, group: str, topic: str) -> None:
    """With a note that is too large for an offset."""
    position = Position(1, os.urandom(200_000))
    member = log.join(group, topic, wait_seconds=20)
    while not member.claims():
        time.sleep(0.05)
    member.commit({0: position})
    assert member.committed(0) == position
    member.leave()


def test_a_client_of_any_kind_leaves_no_thread_behind_when_it_is_refused(
    broker: Broker, authority: Authority
) -> None:
    log = settings(broker, authority, "owner", password="hunter2")
    before = threading.active_count()
    for kind in (KafkaAdminClient, KafkaConsumer, KafkaProducer):
        with pytest.raises(LogDenied):
            dial(kind, log, seconds=10)
    assert threading.active_count() == before


def test_kcat_logs_in_as_documented(broker: Broker, authority: Authority) -> None:
    require_kcat()
    [line] = re.findall(r"^kcat .* -X .*$", PAGE, re.MULTILINE)
    authority.sign("dashboard")
    for file in ("ca.crt", "dashboard.crt", "dashboard.key"):
        line = line.replace(file, str(authority.folder / file))
    listing = shell(line.replace("127.0.0.1:9092", broker.address("SSL"))).decode()
    assert f'topic "{PREFIX}.inference"' in listing
    assert '"mine.' not in listing
