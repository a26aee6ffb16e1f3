"""The joiner's settings: where it runs, and what is wrong with a source before anything starts."""

from __future__ import annotations

import pytest

from sidelight.config.capturing.joiner_faults import joiner_faults
from sidelight.config.services import configured
from sidelight.config.settings import Settings


def settings(**joiner: object) -> Settings:
    return Settings.model_validate({"joiner": joiner})


def test_it_runs_when_a_source_is_named() -> None:
    assert "joiner" not in configured(settings())
    assert "joiner" in configured(settings(source="kafka://broker:9092/topic"))


@pytest.mark.parametrize(
    ("joiner", "key", "message"),
    [
        ({"source": "http://broker/topic"}, ("joiner", "source"), "write kafka://"),
        ({"source": "kafka://broker:9092"}, ("joiner", "source"), "names no topic"),
        ({"source": "kafka://broker:x/topic"}, ("joiner", "source"), "joiner.source"),
        (
            {"source": "kafka://broker/topic", "kafka": {"security_protocol": "SASL_SSL"}},
            ("joiner", "kafka", "sasl_mechanism"),
            "joiner.kafka.sasl_mechanism",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_setting(
    joiner: dict[str, object], key: tuple[str, ...], message: str
) -> None:
    found = dict(joiner_faults(settings(**joiner)))
    assert key in found
    assert message in found[key]


def test_without_a_section_of_its_own_the_logs_login_is_used() -> None:
    given = Settings.model_validate(
        {
            "log": {"url": "sidelight.db", "kafka": {"username": "reader"}},
            "joiner": {"source": "kafka://broker/topic"},
        }
    )
    assert ("log", "kafka", "username") in dict(joiner_faults(given))
