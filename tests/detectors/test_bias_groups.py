"""Groups come from inputs, other columns, headers and side tables, and add up in any order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from sidelight.command.main import application
from sidelight.config.detecting.bias import BiasSettings
from sidelight.config.detecting.outcome import OutcomeSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, NotEnoughData
from sidelight.tensors import Columns
from sidelight_detectors.bias.detector import BiasDetector
from sidelight_detectors.bias.finding import BiasFinding
from sidelight_detectors.bias.side_table import hashes_of
from sidelight_detectors.fitted import Fitted, fit
from sidelight_detectors.indexed import Indexed, Origin
from sidelight_detectors.outcomes import learn_outcome
from sidelight_detectors.results.kinds import finding_of
from tests.detectors.test_bias_metrics import MODEL, applicants, told
from tests.detectors.test_score_command import write

RACES = np.array(["asian", "black", "white"], object)


def people(count: int, seed: int) -> Columns:
    """Applicants with a race, an id and an age that some do not tell."""
    rng = np.random.default_rng(seed)
    base = applicants(count, seed)
    age = base["age"].values.copy()
    age[rng.random(count) < 0.1] = np.nan
    columns = {column.name: column.values for column in base}
    race = rng.choice(RACES, count, p=[0.1, 0.2, 0.7])
    return Columns.of(**{**columns, "age": age, "race": race, "id": np.arange(count)})


def fitted_with(reference: Columns | None = None, **bias: Any) -> Fitted:
    settings = {**MODEL, "detectors": {"bias": {"protected": ["sex"], **bias}}}
    reference = people(3000, 1) if reference is None else reference
    return fit(reference, ModelSettings.model_validate(settings))


def part_of(fitted: Fitted) -> BiasDetector:
    part = fitted.parts["bias"]
    assert isinstance(part, BiasDetector)
    return part


def sizes(fitted: Fitted, rows: Columns | Indexed) -> dict[tuple[str, str], int]:
    indexed = rows if isinstance(rows, Indexed) else fitted.index(rows)
    finding = part_of(fitted).judge(fitted.summarise(indexed), 1)
    return {(group.attribute, group.group): group.rows for group in finding.groups}


def test_numbers_are_cut_into_bands_and_missing_ones_are_a_group_of_their_own() -> None:
    fitted = fitted_with(protected={"age": {"bands": [25, 65]}})
    rows = people(900, 2)
    age = rows["age"].values

    assert sizes(fitted, rows) == {
        ("age", "below 25"): (age < 25).sum(),
        ("age", "25 to below 65"): ((age >= 25) & (age < 65)).sum(),
        ("age", "65 and above"): (age >= 65).sum(),
        ("age", "(missing)"): np.isnan(age).sum(),
    }


def test_values_that_were_not_there_before_are_others() -> None:
    fitted = fitted_with(protected=["race"])
    rows = people(600, 2)
    rows["race"].values[:40] = "maori"

    assert sizes(fitted, rows)["race", "(other)"] == 40


def test_attributes_are_crossed_where_the_reference_has_rows_enough() -> None:
    fitted = fitted_with(
        protected=["sex", "race"], intersections=[["sex", "race"]], min_support=150
    )
    rows = people(900, 2)
    of = {
        f"{sex}*{race}": int(((rows["sex"].values == sex) & (rows["race"].values == race)).sum())
        for sex in ("female", "male")
        for race in RACES
    }
    small = of.pop("female*asian")

    found = sizes(fitted, rows)

    crossed = {group: count for (name, group), count in found.items() if name == "sex*race"}
    assert crossed == {**of, "(other)": small}
    assert part_of(fitted).groups.groupings[2].privileged == [*crossed].index("male*white")


def test_a_header_names_the_group_and_its_absence_is_no_group() -> None:
    reference = people(3000, 1)
    fitted = fitted_with(reference, protected={"race": {"header": "X-Race"}})
    rows = fitted.index(people(90, 2))
    sent = np.array(["black", "white", ""] * 30, object)
    origin = Origin(np.arange(90), np.zeros(90, np.int64), {"x-race": sent})

    found = sizes(fitted, Indexed(rows.cells, rows.values, origin=origin, asked=rows.asked))

    assert fitted.asks_headers == ("x-race",)
    assert found == {("race", "black"): 30, ("race", "white"): 30, ("race", "(missing)"): 30}


def test_a_side_table_tells_the_group_by_id_and_keeps_no_id(tmp_path: Path) -> None:
    reference = people(3000, 1)
    known = Columns.of(id=np.arange(100, 200), race=["white", "black"] * 50)
    table = write(tmp_path / "people.csv", known)
    without = Columns(tuple(column for column in reference if column.name != "race"))
    fitted = fitted_with(without, protected={"race": {"table": table, "key": "id"}})
    rows = people(180, 2)

    fitted.save(tmp_path / "fitted.npz")
    loaded = Fitted.load(tmp_path / "fitted.npz")

    assert sizes(loaded, rows) == {
        ("race", "black"): 40,
        ("race", "white"): 40,
        ("race", "(missing)"): 100,
    }
    assert "id" in fitted.asks_inputs
    arrays = part_of(fitted).pack().arrays
    assert np.array_equal(arrays["0/keys"], np.sort(hashes_of(map(str, range(100, 200)))))


def test_every_kind_of_favourable_class_counts() -> None:
    rows = people(2000, 1)
    grades = np.random.default_rng(5).choice(np.array(["a", "b", "c"], object), (2, 2000))
    graded = Columns.of(
        **{column.name: column.values for column in rows}, grade=grades[0], true_grade=grades[1]
    )
    model = {
        **MODEL,
        "outputs": {"grade": "categorical"},
        "outcome": {"prediction": "grade", "favorable": ["a", "b"], "label": "true_grade"},
    }
    fitted = fit(graded, ModelSettings.model_validate(model))
    good, true = (np.isin(part, ["a", "b"]) for part in grades)
    female = rows["sex"].values == "female"

    decided, settled = told(fitted, graded)

    found = {gap.metric: gap.value for gap in (*decided.gaps, *settled.gaps)}
    parity = good[female].mean() - good[~female].mean()
    opportunity = good[female & true].mean() - good[~female & true].mean()
    assert found["statistical_parity_difference"] == pytest.approx(parity, abs=1e-12)
    assert found["equal_opportunity_difference"] == pytest.approx(opportunity, abs=1e-12)
    assert "calibration_difference" not in found


@pytest.mark.parametrize(
    ("told_of", "expected"),
    [(["a", "b", "c"], "abc"), (["a", "b"], "abc"), (["a"], "aaa")],
)
def test_a_class_without_a_probability_does_not_hide_the_decisions(
    told_of: list[str], expected: str
) -> None:
    """The one class that no output speaks of has what the others leave, two have none."""
    chances = {"a": [0.6, 0.1, 0.3], "b": [0.3, 0.8, 0.2], "c": [0.1, 0.1, 0.5]}
    asked = {name: f"p_{name}" for name in told_of}
    outcome = {"probability": asked, "favorable": ["a"], "label": "grade"}
    rows = {f"p_{name}": np.array(values) for name, values in chances.items()}
    reference = Columns.of(grade=np.array(["a", "b", "c"], object), **rows)
    found = learn_outcome(OutcomeSettings.model_validate(outcome), reference)

    answers = found.answers(Indexed(np.zeros((3, 0), np.int32), reference, asked=reference))

    assert "".join(found.classes[int(one)] for one in answers) == expected


def test_a_decision_may_be_made_of_several_outputs() -> None:
    rows = people(2000, 1)
    limits = np.random.default_rng(5).choice(np.array(["low", "some", "high"], object), 2000)
    limited = Columns.of(**{column.name: column.values for column in rows}, limit=limits)
    bias = {"protected": ["sex"], "also_favorable": {"limit": ["some", "high"]}}
    outputs = {**MODEL["outputs"], "limit": "categorical"}
    model = {**MODEL, "outputs": outputs, "detectors": {"bias": bias}}
    fitted = fit(limited, ModelSettings.model_validate(model))
    female = rows["sex"].values == "female"
    good = (rows["approved"].values == "yes") & (limits != "low")

    decided, _ = told(fitted, limited)

    rates = {group.group: group.rate for group in decided.groups}
    assert rates == {"female": good[female].mean(), "male": good[~female].mean()}


def test_predicted_numbers_are_compared_by_their_means() -> None:
    rng = np.random.default_rng(4)
    female = rng.random(4000) < 0.5
    wage = rng.normal(100, 10, 4000) - 4 * female
    predicted = wage + rng.normal(0, 5, 4000) - 2 * female
    rows = Columns.of(
        age=np.zeros(4000), sex=np.where(female, "f", "m").astype(object), wage=wage, said=predicted
    )
    model = {
        "features": {"age": "numeric"},
        "outputs": {"said": "numeric"},
        "outcome": {"kind": "regression", "prediction": "said", "label": "wage"},
        "detectors": {"bias": {"protected": {"sex": {"privileged": "m"}}}},
    }
    fitted = fit(rows, ModelSettings.model_validate(model))

    decided, settled = told(fitted, rows)

    means, residuals = decided.gaps[0], settled.gaps[0]
    residual = wage - predicted
    assert means.value == pytest.approx(predicted[female].mean() - predicted[~female].mean())
    assert residuals.value == pytest.approx(residual[female].mean() - residual[~female].mean())
    assert means.allowed_high == pytest.approx(0.1 * predicted.std())
    assert (means.verdict, residuals.verdict) == ("unfair", "unfair")


def test_labels_add_up_in_any_order_and_can_be_taken_back() -> None:
    fitted = fitted_with(protected=["sex", "race"], intersections=[["sex", "race"]])
    part, rows = part_of(fitted), people(700, 3)
    trail = part.decided(fitted.index(rows)).packed()
    labels = part.outcome.numbers(rows["repaid"])
    whole = part.awaited(trail) + part.labelled(trail, labels)
    order = np.random.default_rng(0).permutation(700)

    parts = sum(
        part.awaited(trail[[row]]) + part.labelled(trail[[row]], labels[[row]]) for row in order
    )

    assert np.array_equal(parts, whole)
    wrong = part.labelled(trail[:1], 1 - labels[:1])
    corrected = whole - part.labelled(trail[:1], labels[:1]) + wrong
    again = part.labelled(trail[1:], labels[1:]) + part.awaited(trail) + wrong
    assert np.array_equal(corrected, again)


def test_a_finding_survives_its_json() -> None:
    _, settled = told(fitted_with(), people(2000, 3))
    read = finding_of("bias", orjson.loads(orjson.dumps(settled)))

    assert isinstance(read, BiasFinding)
    assert repr(read) == repr(settled)


@pytest.mark.parametrize(
    ("bias", "told"),
    [
        ({"protected": ["id"]}, "3000 different numbers are no groups; set 'bands'"),
        ({"protected": ["height"]}, "no column of the reference"),
        ({"protected": {"sex": {"privileged": "man"}}}, "no group 'man'; there are female, male"),
        ({"metrics": ["mean_residual_difference"]}, "cannot be told of this outcome"),
        ({"protected": {"race": {"table": "none.csv", "key": "id"}}}, r"race.table \(none.csv\)"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(bias: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        fitted_with(**bias)


def test_bias_needs_to_know_what_is_decided() -> None:
    model = {key: value for key, value in MODEL.items() if key != "outcome"}

    with pytest.raises(ConfigError, match="'outcome' of the model is not set"):
        fit(people(100, 1), ModelSettings.model_validate(model))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"protected": []}, "names no attribute"),
        ({"protected": ["sex"], "intersections": [["sex", "race"]]}, "'race' is not protected"),
        ({"protected": {"age": {"bands": [40, 20]}}}, "do not ascend"),
        ({"protected": {"sex": {"header": "x", "column": "y"}}}, "one of column and header"),
        ({"protected": {"sex": {"table": "a.csv"}}}, "'table' needs 'key'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BiasSettings.model_validate(given)


def test_no_decision_is_no_row() -> None:
    fitted = fitted_with()
    rows = people(200, 2)
    rows["approved"].values[:] = "perhaps"

    with pytest.raises(NotEnoughData):
        part_of(fitted).judge(fitted.summarise(fitted.index(rows)), 1)


@pytest.mark.parametrize(("unfair", "code"), [(False, 0), (True, 3)])
def test_score_exits_with_3_when_a_file_is_unfair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unfair: bool, code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = people(4000, 2)
    female = rows["sex"].values == "female"
    rng = np.random.default_rng(6)
    truth = rows["repaid"].values
    rows["approved"].values[:] = np.where(rng.random(4000) < 0.9, truth, "no")
    if unfair:
        refused = female & (truth == "yes") & (rng.random(4000) < 0.4)
        rows["approved"].values[refused] = "no"  # and as many others are approved instead
        rows["approved"].values[female & (truth == "no") & (rng.random(4000) < 0.3)] = "yes"
    bias = {
        "protected": {"sex": {"privileged": "male"}},
        "metrics": ["equal_opportunity_difference"],
    }
    write(tmp_path / "reference.csv", people(3000, 1))
    model = {**MODEL, "reference": "reference.csv", "detectors": {"bias": bias}}
    (tmp_path / "sidelight.yaml").write_text(json.dumps({"models": {"loans": model}}))

    file = str(write(tmp_path / "rows.csv", rows))

    ran, told = (
        CliRunner().invoke(application(), ["score", file, "--fail-on", "bias", "--format", form])
        for form in ("table", "json")
    )

    verdict = "unfair" if unfair else "fair"
    assert (ran.exit_code, told.exit_code) == (code, code), ran.output
    assert f"bias by labels of 4000 rows: {verdict}" in ran.stdout
    assert [one["verdict"] for one in json.loads(told.stdout)["bias"]] == [verdict]
