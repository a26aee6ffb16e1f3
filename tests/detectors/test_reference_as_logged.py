"""What is redacted of traffic is redacted of the reference too, so that the two compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from sidelight.config.settings import Settings
from sidelight.events.exchange import Body
from sidelight.protocols import v1
from sidelight.redaction import redacted, rules_of
from sidelight.redaction.references import as_logged
from sidelight_detectors.reference import reference_as_logged
from sidelight_detectors.service.fitting import fit_model


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    generator = np.random.default_rng(3)
    rows = [
        f"{generator.integers(20, 80)},{generator.choice(['a', 'b'])},{generator.normal():.3f},0"
        for _ in range(200)
    ]
    reference = tmp_path / "reference.csv"
    reference.write_text("\n".join(["age,city,income,label", *rows]) + "\n")
    (tmp_path / "key").write_bytes(b"0123456789abcdef")
    model: dict[str, Any] = {
        "reference": reference,
        "features": {"age": "numeric", "city": "categorical", "income": "numeric"},
        "outputs": {"label": "categorical"},
        "detectors": {"drift": {}},
        "redact": {"columns": {"city": "hash"}, "key_file": tmp_path / "key"},
    }
    logger = {"redact": {"columns": {"age": {"bucket": 10}, "INCOME": "drop"}}}
    return as_logged(Settings.model_validate({"logger": logger, "models": {"m": model}}))


def test_a_reference_row_becomes_what_the_logger_makes_of_it(settings: Settings) -> None:
    model = settings.models["m"]
    assert model.reference is not None
    assert model.redact is not None
    assert list(model.features) == ["age", "city"]
    table = reference_as_logged(model.reference, model)
    assert table.names == ("age", "city", "label")
    assert set(table["age"].values % 10) == {5.0}
    line = model.reference.read_text().splitlines()[1].split(",")
    row = {"age": int(line[0]), "city": line[1], "income": float(line[2])}
    content = orjson.dumps({"instances": [row]})
    body = Body(content, "application/json", size=len(content))
    logged = v1.decode_request(redacted(body, "v1", "inputs", rules_of([model.redact])).content)
    assert logged.names == ("age", "city")
    assert logged["age"].values[0] == table["age"].values[0]
    assert logged["city"].values[0] == table["city"].values[0]


def test_a_fit_knows_only_what_is_logged(settings: Settings) -> None:
    fitted = fit_model("m", settings.models["m"])
    assert list(fitted.inputs) == ["age", "city"]


def test_without_rules_for_columns_nothing_changes() -> None:
    plain = Settings.model_validate({"models": {"m": {"redact": {"patterns": ["x"]}}}})
    assert as_logged(plain) == plain
