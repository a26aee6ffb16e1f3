"""`sidelight report`, as it is called, with a dashboard at work and with none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from sidelight.command.main import application
from sidelight.config.settings import Settings
from sidelight.errors import ConfigError, MalformedPayload
from sidelight.log import open_log
from sidelight.log.kafka.plans import plans
from sidelight.log.kafka.standing import create
from sidelight.log.testing import MemoryLog
from sidelight_dashboard.report import opening
from sidelight_dashboard.store.locking import held
from sidelight_dashboard.store.opening import Store
from tests.dashboard.filled import detect, drifting, follow, settings_of, shown
from tests.dashboard.reported import Found
from tests.dashboard.test_follow_kafka import PARTITIONS, copied, settings_at
from tests.detectors.traffic import MODEL


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    """A log in files that the detectors have judged, and that no dashboard has read."""
    settings = settings_of(tmp_path)
    with closing(open_log(settings.log)) as log:
        detect(log, settings, drifting())
    document = settings.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "sidelight.yaml").write_text(yaml.safe_dump(document))
    return settings


def run(told: Settings, *arguments: str) -> Result:
    folder = Path(told.log.url).parent
    given = ["report", "--config", str(folder / "sidelight.yaml"), "--out", str(folder / "r.html")]
    return CliRunner().invoke(application(), [*given, *arguments])


def written(told: Settings) -> Found:
    return Found((Path(told.log.url).parent / "r.html").read_text("utf-8"))


def test_without_a_dashboard_it_follows_the_log_to_its_end(told: Settings) -> None:
    done = run(told)
    assert done.exit_code == 0, done.output
    assert "1 alarm" in done.output
    assert "Report of income, version 2" in written(told).text
    assert "had not been read" not in written(told).text


def test_an_alarm_in_it_can_fail_the_command(told: Settings) -> None:
    assert run(told, "--fail-on", "alarm").exit_code == 3
    assert "Report of income" in written(told).text
    assert run(told, "--model", MODEL, "--version", "1", "--fail-on", "alarm").exit_code == 0
    assert "No alarm stood in this time." in written(told).text


@pytest.fixture
def at_work(told: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A dashboard that has read nothing yet."""
    monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.1)
    with (
        closing(open_log(told.log)) as log,
        shown(told, log) as showing,
        held(showing.store.folder),
    ):
        yield showing


def test_beside_a_dashboard_it_reads_what_that_has(told: Settings, at_work: Any) -> None:
    follow(at_work)
    before = at_work.store.series.rows("SELECT * FROM position")
    done = run(told)
    assert done.exit_code == 0, done.output
    assert "1 alarm" in done.output
    assert at_work.store.series.rows("SELECT * FROM position") == before


def test_beside_a_dashboard_that_has_not_read_all_it_says_so(told: Settings, at_work: Any) -> None:
    follow(at_work)
    with closing(open_log(told.log)) as log:
        log.append("results", [one.record for one in log.read("results", 0, 0, max_records=3)])
    assert run(told).exit_code == 0
    assert "3 records that the detectors wrote had not been read" in written(told).text


def test_a_store_of_another_release_is_refused(told: Settings, at_work: Any) -> None:
    with at_work.store.series.writing() as series:
        series.execute("PRAGMA user_version = 1")
    done = run(told)
    assert isinstance(done.exception, ConfigError)
    assert "another release of Sidelight writes it" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", "nobody"), "no model 'nobody' is configured; there are income"),
        (("--alarm", "none"), "no alarm 'none' is known"),
        (("--version", "9"), "no version '9' of income was seen; there are 2, 1"),
        (("--from", "2020-01-01", "--to", "2020-01-02"), "there is nothing to tell"),
        (("--from", "soon"), "'soon' is no time"),
        (("--out", "/nowhere/r.html"), "--out /nowhere/r.html: No such file or directory"),
    ],
)
def test_what_cannot_be_told_is_bad_input(
    told: Settings, arguments: tuple[str, ...], says: str
) -> None:
    """Which ends the process with 2."""
    done = run(told, *arguments)
    assert isinstance(done.exception, ConfigError | MalformedPayload), done.output
    assert says in str(done.exception)


def test_to_look_at_a_log_makes_none(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    document = settings.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "sidelight.yaml").write_text(yaml.safe_dump(document))
    done = run(settings)
    assert isinstance(done.exception, ConfigError)
    assert "there is no log" in str(done.exception)
    assert not (tmp_path / "log.db").exists()
    assert not (tmp_path / "log.db.dashboard").exists()


def test_a_folder_that_cannot_be_locked_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    (tmp_path / "store" / "lock").mkdir()
    with pytest.raises(ConfigError, match="name a folder that can be written"), held(store.folder):
        pass


def test_a_brokers_log_is_followed_too_and_rows_it_lost_are_said(
    kafka_url: str, tmp_path: Path
) -> None:
    settings = settings_at(kafka_url, tmp_path)
    memory = MemoryLog(PARTITIONS)
    detect(memory, settings, drifting())
    create(settings.log, plans(settings.log))
    with closing(open_log(settings.log)) as log:
        copied(memory, log)  # what the detectors said, without the exchanges
    document = settings.model_dump(mode="json", exclude_unset=True)
    (tmp_path / "sidelight.yaml").write_text(yaml.safe_dump(document))
    given = ["--config", str(tmp_path / "sidelight.yaml"), "--out", str(tmp_path / "r.html")]
    done = CliRunner().invoke(application(), ["report", *given, "--fail-on", "alarm"])
    assert done.exit_code == 3, done.output
    found = Found((tmp_path / "r.html").read_text("utf-8"))
    assert "Drift of income" in found.text
    assert "Not told: " in found.text
