"""What was logged before a rule of redaction was written is shown as it would be logged now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidelight.config.capturing.redact import RedactSettings
from sidelight.config.settings import ModelSettings
from sidelight.panes import Bar
from sidelight.panes import Column as Compared
from sidelight.redaction.references import as_logged, redacted_columns
from sidelight.redaction.rules import rules_of
from sidelight.tensors import Columns
from sidelight_dashboard.hiding import Hidden
from sidelight_dashboard.redacting import redaction_of
from sidelight_dashboard.showing import Showing
from tests.dashboard.browsing import client
from tests.dashboard.explained import asking, dashboard
from tests.dashboard.filled import drifting, filled, settings_of
from tests.detectors.traffic import MODEL
from tests.ports import free_port

ROW = "/rows/inference/0/3/4"
PERSON = Columns.of(age=[41.5, 37.0], card=["4111111111111111", "none"], code=[123456789, 7])


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.write_text("k" * 64)
    path.chmod(0o600)
    return str(path)


def redact(columns: Any, **others: Any) -> RedactSettings:
    return RedactSettings.model_validate({"columns": columns, **others})


def ruled(showing: Showing, rules: RedactSettings) -> Showing:
    """The same log under rules that came after it."""
    model = showing.settings.models[MODEL].model_copy(update={"redact": rules})
    told = as_logged(showing.settings.model_copy(update={"models": {MODEL: model}}))
    return replace(showing, settings=told)


def test_rows_are_as_the_logger_would_write_them_now_and_stay_so(key: str) -> None:
    rules = redact(
        {"age": {"bucket": 10}, "card": {"mask": "[0-9]{16}"}, "code": "hash"}, key_file=key
    )
    redaction = redaction_of(ModelSettings(redact=rules))
    now, changed = redaction.rows(PERSON)
    for column in redacted_columns(PERSON, rules_of([rules])):
        assert now[column.name].values.tolist() == column.values.tolist()
    assert changed == {"age", "card", "code"}
    again, changed = redaction.rows(now)
    assert not changed
    assert again["code"] is now["code"]


def test_a_hashed_text_stays_and_patterns_are_masked_everywhere(key: str) -> None:
    rules = redact({"card": "hash"}, key_file=key, patterns=["[0-9]{9}"])
    redaction = redaction_of(ModelSettings(redact=rules))
    now, changed = redaction.rows(PERSON)
    assert changed == {"card", "code"}
    assert "4111111111111111" not in now["card"].values.tolist()
    assert np.isnan(now["code"].values[0])
    assert now["code"].values[1] == 7


def test_without_its_key_nothing_of_a_hashed_column_is_kept(tmp_path: Path) -> None:
    rules = redact({"card": "hash"}, key_file=str(tmp_path / "none"))
    now, changed = redaction_of(ModelSettings(redact=rules)).rows(PERSON)
    assert changed == {"card"}
    assert not {"4111111111111111", "none"} & set(now["card"].values.tolist())


def test_a_dropped_column_is_hidden_whatever_its_name_holds() -> None:
    hidden = Hidden(frozenset({"sex[f]", "pixels"}))
    assert "sex[f]" in hidden
    assert "Sex[F]" in hidden
    assert "pixels[3]" in hidden
    assert "sex[m]" not in hidden


@pytest.mark.parametrize(
    ("rule", "leaked"),
    [({"sex": "hash"}, '"f"'), ({"sex": {"mask": "^[fm]$"}}, '"f"')],
    ids=["hash", "mask"],
)
def test_categories_that_were_counted_as_sent_are_told_as_they_would_be_logged(
    showing: Showing, key: str, rule: Any, leaked: str
) -> None:
    browser = client(ruled(showing, redact(rule, key_file=key)))
    asked = f"/api/models/{MODEL}/drift"
    told = [browser.get(f"{asked}/compare"), browser.get(f"{asked}/distribution?feature=sex")]
    told += [browser.get(f"/api{ROW}")]
    for answer in told:
        assert answer.status_code == 200
        assert leaked not in answer.text


def test_ranges_finer_than_a_bucket_are_not_shown(showing: Showing) -> None:
    browser = client(ruled(showing, redact({"age": {"bucket": 20}})))
    page = browser.get(f"/models/{MODEL}/drift?feature=age", headers={"accept": "text/html"})
    assert "Its values are not shown" in page.text
    (age,) = (one for one in browser.get(f"/api{ROW}").json()["inputs"] if one["name"] == "age")
    assert age["value"] % 20 == 10


def test_what_was_bucketed_when_it_was_counted_is_shown(tmp_path: Path) -> None:
    rules = {"columns": {"age": {"bucket": 20}}}
    model = {"redact": rules}
    with filled(tmp_path, drifting(), settings_of(tmp_path, model=model)) as showing:
        address = f"/api/models/{MODEL}/drift/distribution?feature=age&version=1"
        figure = client(showing).get(address).json()
    assert len(figure["data"][0]["y"]) > 3


def test_an_old_plans_ranges_of_a_hashed_number_are_not_shown(key: str) -> None:
    redaction = redaction_of(ModelSettings(redact=redact({"age": "hash"}, key_file=key)))
    bars = (Bar("", 20.0, 40.0, 0.5, 0.5), Bar("", 40.0, None, 0.5, 0.5))
    column = Compared("age", "feature", "numeric", "", 9, 0.1, 0.1, 0, 1, 1, 1, False, bars)
    hashed = (Bar("", 2.0**40, 2.0**41, 0.5, 0.5), Bar("", 2.0**41, None, 0.5, 0.5))
    assert redaction.compared(column).bars == ()
    assert redaction.compared(replace(column, bars=hashed)).bars == hashed


@pytest.mark.parametrize("rule", ["hash", {"bucket": 7}], ids=["hash", "bucket"])
def test_an_explanation_of_a_row_as_it_was_sent_is_without_that_column(
    tmp_path: Path, key: str, rule: Any
) -> None:
    with asking(tmp_path) as at:
        address = at.ask()
        assert "f0" in str(at.when(address, "done")["explanation"]["data"])
    rules = {"columns": {"f0": rule}, "key_file": key}
    with dashboard(tmp_path, f"http://127.0.0.1:{free_port()}", redact=rules) as later:
        told = later.client.get(address).json()["explanation"]["data"]
    assert [one["feature"] for one in told["attributions"]] == ["f1", "f2"]
    assert "f0" not in str(told)
