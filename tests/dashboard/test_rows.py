"""The page of a row: what was asked and answered, where it lies, what was said of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from sidelight.config.settings import LogSettings, Settings
from sidelight.errors import DataMismatch, MalformedPayload, OffsetOutOfRange
from sidelight.events import Body
from sidelight.events.exchanges import to_record
from sidelight.log import open_log
from sidelight.log.contract import Address, Record, Stored
from sidelight.log.testing import MemoryLog
from sidelight.log.topics import INFERENCE
from sidelight.panes import Bar
from sidelight.panes import Column as Compared
from sidelight.redaction.references import as_logged
from sidelight.tensors import Column, Columns
from sidelight_dashboard.exchanges.columns import Side
from sidelight_dashboard.exchanges.neighbours import neighbours_of
from sidelight_dashboard.exchanges.opening import address_of, open_row
from sidelight_dashboard.exchanges.pictures import pixels, png
from sidelight_dashboard.hiding import Hidden
from sidelight_dashboard.refusals import NotFound
from sidelight_dashboard.rows.placing import place_of
from sidelight_dashboard.rows.told import told_row
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.words.wording import Wording, value_words
from tests.dashboard.browsing import client
from tests.dashboard.filled import shown
from tests.detectors.traffic import MODEL, exchange, json_body, rows, traffic
from tests.explainers.drawn import FORMS, photo

HTML = {"accept": "text/html"}


@contextmanager
def browsed(document: dict[str, Any], *bodies: Body) -> Iterator[Showing]:
    """A dashboard whose log holds these requests."""
    told = as_logged(Settings.model_validate({"models": {MODEL: document}}))
    log = MemoryLog()
    one = exchange(rows(1, seed=0))
    log.append(INFERENCE, [to_record(replace(one, request=body)) for body in bodies])
    with shown(told, log) as showing:
        yield showing


def inputs(*tensors: tuple[str, Any, str]) -> Body:
    told = [
        {"name": name, "shape": list(np.shape(data)), "datatype": kind, "data": data}
        for name, data, kind in tensors
    ]
    return json_body({"inputs": told})


def test_a_row_is_told_as_it_was_sent_and_answered(showing: Showing) -> None:
    sent = rows(300, seed=2)

    told = told_row(showing, "inference/0/3", 4)

    assert told.model == MODEL
    assert (told.row, told.rows, told.version) == (4, 10, "1")
    assert [(one.name, one.value) for one in told.inputs] == [
        ("age", sent["age"].values[34]),
        ("sex", sent["sex"].values[34]),
    ]
    assert [(one.name, one.value) for one in told.outputs] == [("score", sent["score"].values[34])]
    assert (told.before, told.after) == ("inference/0/2", "inference/0/4")


def test_the_place_of_a_number_holds_its_percentile(showing: Showing) -> None:
    reference = rows(2000, seed=1)["age"].values
    for row in range(10):
        (age, _) = told_row(showing, "inference/0/5", row).inputs
        assert age.place is not None
        assert age.place.below is not None
        exact = stats.percentileofscore(reference, age.value, kind="mean") / 100
        assert age.place.below - 0.02 <= exact <= age.place.below + age.place.share + 0.02


def test_the_place_of_a_category_is_its_share(showing: Showing) -> None:
    reference = rows(2000, seed=1)["sex"].values
    (_, sex) = told_row(showing, "inference/0/5", 0).inputs

    assert sex.place is not None
    assert sex.place.share == pytest.approx((reference == sex.value).mean())


def compared(*bars: Bar) -> Compared:
    return Compared("x", "feature", "numeric", "ks", 0, None, None, 0, 0, 1, 0, False, bars)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-1.0, "below all there"),
        (0.0, "among the lowest 25 %"),
        (10.0, "above 25 % to 85 %"),
        (29.9, "among the highest 15 %"),
        (30.0, "above all there"),
        (None, "never missing there"),
        ("no number", None),
    ],
)
def test_places_of_numbers_in_words(value: Any, words: str | None) -> None:
    bars = (Bar("", 0, 10, 0.25, 0), Bar("", 10, 20, 0.6, 0), Bar("", 20, 30, 0.15, 0))

    place = place_of(compared(*bars), value)

    assert (place.words if place else None) == words


def test_places_of_categories_in_words() -> None:
    bars = (
        Bar("f", None, None, 0.9, 0),
        Bar("gone", None, None, 0.0, 0.1),
        Bar("17 others", None, None, 0.06, 0),
        Bar("missing", None, None, 0.04, 0),
    )

    told = [place_of(compared(*bars), value) for value in ("f", "gone", "rare", None)]

    assert [one.words for one in told if one] == [
        "90 % have it",
        "never there",
        "rare: 6 % have one of 17 others",
        "4 % have none",
    ]
    unseen = place_of(compared(*bars[:2]), "new")
    assert unseen is not None
    assert unseen.words == "never there"


def test_a_flagged_row_says_what_flagged_it_and_by_how_much(showing: Showing) -> None:
    ((place, row),) = showing.store.series.rows(
        "SELECT exchange, row FROM flagged ORDER BY score DESC LIMIT 1"
    )

    told = told_row(showing, place, row)
    with client(showing) as browser:
        page = browser.get(f"/rows/{place}/{row}", headers=HTML).text

    (flag,) = told.flags
    assert flag.detector == "outlier"
    assert flag.p_value is not None
    assert flag.rate is not None
    assert flag.p_value <= flag.rate
    assert {part.column for part in flag.parts} <= {"age", "sex", "score"}
    assert row in told.flagged_rows
    assert "flagged by outlier" in page
    assert "of outlier&#39;s score" in page


def test_alarms_that_name_the_row_are_linked(showing: Showing) -> None:
    ((alarm, place, row),) = showing.store.series.rows(
        "SELECT alarm.id, one.value ->> 'exchange', one.value ->> 'row'"
        " FROM alarm, json_each(alarm.typical) AS one LIMIT 1"
    )

    told = told_row(showing, place, row)
    with client(showing) as browser:
        page = browser.get(f"/rows/{place}/{row}", headers=HTML).text

    assert alarm in [one.id for one in told.alarms]
    assert f'href="/alarms/{alarm}"' in page


def test_headers_and_paths_are_never_told() -> None:
    with browsed({"features": {"age": "numeric"}}, inputs(("age", [1.0], "FP64"))) as showing:
        one = exchange(
            rows(1, seed=0),
            headers={"x-client": "secret-client"},
            path="/v2/models/income/infer?key=secret",
        )
        showing.log.append(INFERENCE, [to_record(one)])
        with client(showing) as browser:
            page = browser.get("/rows/inference/0/1/0", headers=HTML)
            told = browser.get("/api/rows/inference/0/1/0")

    assert page.status_code == told.status_code == 200
    assert "secret" not in page.text + told.text


@pytest.mark.parametrize(
    "features", [{"age": "numeric", "name": "categorical"}, {}], ids=["declared", "undeclared"]
)
def test_redacted_columns_are_never_sent(features: dict[str, str]) -> None:
    """Also of a log that was written before the rule was."""
    document = {"features": features, "redact": {"columns": {"Name": "drop"}}}
    body = inputs(("age", [41.0], "FP64"), ("name", ["Ada Lovelace"], "BYTES"))
    with browsed(document, body) as showing, client(showing) as browser:
        page = browser.get("/rows/inference/0/0/0", headers=HTML)
        told = browser.get("/api/rows/inference/0/0/0")
        picture = browser.get("/rows/inference/0/0/0/pictures/name")

    assert "Lovelace" not in page.text + told.text
    assert [one["name"] for one in told.json()["inputs"]] == ["age"]
    assert told.json()["hidden"] == 1
    assert "1 column is redacted and not shown" in page.text
    assert picture.status_code == 404


def test_a_matrix_that_may_hold_a_redacted_column_is_not_shown() -> None:
    """The features that are left do not say which of its numbers is which."""
    document = {
        "features": {"age": "numeric", "income": "numeric"},
        "redact": {"columns": {"income": "drop"}},
    }
    with browsed(document, inputs(("input", [[41.0, 12345.0]], "FP64"))) as showing:
        told = told_row(showing, "inference/0/0", 0)

    assert told.inputs == ()
    assert "cannot be told apart" in told.no_inputs


def test_a_matrix_without_redacted_columns_is_shown_by_name() -> None:
    document = {"features": {"age": "numeric", "income": "numeric"}}
    with browsed(document, inputs(("input", [[41.0, 12345.0]], "FP64"))) as showing:
        told = told_row(showing, "inference/0/0", 0)

    assert [(one.name, one.words) for one in told.inputs] == [("age", "41"), ("income", "12345")]


def test_what_was_sent_beside_the_models_columns_is_shown_too() -> None:
    side = Side(True, ("age",), frozenset(), Hidden(frozenset()))
    sent = Columns.of(extra=[1], age=[2])

    assert side.shown(sent).names == ("age", "extra")


def test_a_row_that_cannot_be_decoded_says_so_and_shows_the_rest(showing: Showing) -> None:
    told = told_row(showing, "inference/0/60", 0)

    assert told.inputs == ()
    assert told.no_inputs
    assert told.outputs
    with client(showing) as browser:
        assert browser.get("/rows/inference/0/60/0", headers=HTML).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("inference/0/9999/0", 404, "holds nothing at inference/0/9999 yet"),
        ("inference/7/0/0", 404, "no partition 7"),
        ("inference/0/3/10", 404, "the first is 0; there is no row 10"),
        ("alarms/0/0/0", 400, "no address of an exchange"),
    ],
)
def test_rows_that_are_not_there(showing: Showing, path: str, status: int, words: str) -> None:
    with client(showing) as browser:
        told = browser.get(f"/api/rows/{path}")
        page = browser.get(f"/rows/{path}", headers=HTML)

    assert told.status_code == page.status_code == status
    assert words in told.json()["error"]
    assert "<h1>" in page.text


class Retired(MemoryLog):
    """A log whose retention took the first five records."""

    def get(self, address: Address) -> Stored:
        if address.offset < 5:
            raise OffsetOutOfRange(f"{address} is gone", begin=5, end=60)
        return super().get(address)


def test_what_retention_took_is_told_with_the_setting_that_keeps_more(showing: Showing) -> None:
    with pytest.raises(NotFound, match=r"retention took all below 5; log.retain_bytes"):
        open_row(replace(showing, log=Retired()), "inference/0/3", 0)


@pytest.mark.parametrize("text", ["inference/0", "inference/-1/0", "inference/0/٣", "x/0/1", ""])
def test_only_addresses_are_addresses(text: str) -> None:
    with pytest.raises(MalformedPayload, match="is no address of an exchange"):
        address_of(text)


def test_a_record_that_is_no_exchange_is_told_as_such() -> None:
    with browsed({"features": {"age": "numeric"}}) as showing:
        showing.log.append(INFERENCE, [Record(b"garbage"), Record(b"", headers=(("a", b"\xff"),))])
        for place in ("inference/0/0", "inference/0/1"):
            with pytest.raises(NotFound, match=f"what lies at {place} cannot be read"):
                open_row(showing, place, 0)


def test_an_exchange_of_a_model_that_is_not_configured_is_refused() -> None:
    with browsed({"features": {"age": "numeric"}}) as showing:
        showing.log.append(INFERENCE, [to_record(exchange(rows(1, seed=0), model="stranger"))])
        with pytest.raises(NotFound, match="'stranger', which the configuration does not name"):
            open_row(showing, "inference/0/0", 0)


def test_neighbours_are_of_the_same_model(tmp_path: Path) -> None:
    mine, theirs = traffic(rows(6, seed=1)), traffic(rows(6, seed=1), model="other")
    with closing(open_log(LogSettings(url=str(tmp_path / "log.db")))) as log:
        log.append(INFERENCE, [one for pair in zip(mine, theirs, strict=True) for one in pair])

        near = neighbours_of(log, Address(INFERENCE, 0, 4), MODEL)
        first = neighbours_of(log, Address(INFERENCE, 0, 0), MODEL)
        last = neighbours_of(log, Address(INFERENCE, 0, 10), MODEL)

    assert (near.before, near.after) == (Address(INFERENCE, 0, 2), Address(INFERENCE, 0, 6))
    assert (first.before, last.after) == (None, None)


def test_a_picture_is_served_as_a_file() -> None:
    document = {"features": {"photo": "image", "age": "numeric"}}
    body = inputs(("photo", photo()[None].tolist(), "UINT8"), ("age", [1.0], "FP64"))
    with browsed(document, body) as showing, client(showing) as browser:
        page = browser.get("/rows/inference/0/0/0", headers=HTML).text
        answer = browser.get("/rows/inference/0/0/0/pictures/photo")
        other = browser.get("/rows/inference/0/0/0/pictures/age")

    assert 'src="/rows/inference/0/0/0/pictures/photo"' in page
    assert answer.headers["content-type"] == "image/png"
    seen = np.asarray(Image.open(io.BytesIO(answer.content)))
    np.testing.assert_array_equal(seen, photo())
    assert other.status_code == 404


def test_a_picture_that_was_sent_as_a_file_is_served_as_it_is() -> None:
    file = png(photo())
    body = inputs(("photo", [{"b64": base64.b64encode(file).decode()}], "BYTES"))
    told = json_body({"instances": [{"photo": {"b64": base64.b64encode(file).decode()}}]})
    with browsed({"features": {"photo": "image"}}, body) as showing, client(showing) as browser:
        one = exchange(
            rows(1, seed=0), protocol="v1", request=told, path="/v1/models/income:predict"
        )
        showing.log.append(INFERENCE, [to_record(one)])
        answer = browser.get("/rows/inference/0/1/0/pictures/photo")

    assert answer.content == file
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("form", [*FORMS])
def test_every_form_of_a_picture_is_seen_alike(form: str) -> None:
    values, kind = FORMS[form]
    shape = tuple(kind["shape"]) if isinstance(kind, dict) else ()

    seen = pixels(Column("photo", np.asarray(values)[None]), shape)

    wanted = photo() if "grey" not in form else photo()[:, :, 0]
    assert seen.shape == wanted.shape
    assert np.corrcoef(seen.ravel(), wanted.ravel())[0, 1] > 0.999


def test_what_is_no_picture_says_so() -> None:
    with pytest.raises(DataMismatch, match="is no picture; set its 'shape'"):
        pixels(Column("photo", np.zeros((1, 7))), ())


def test_png_is_read_back_by_others() -> None:
    for picture in (photo(), photo()[:, :, 0]):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)


def test_a_long_text_has_lines_of_its_own_and_no_markup_of_its_own() -> None:
    text = "<script>alert(1)</script> " + "word " * 100
    with (
        browsed({"features": {"words": "text"}}, inputs(("words", [text], "BYTES"))) as showing,
        client(showing) as browser,
    ):
        page = browser.get("/rows/inference/0/0/0", headers=HTML).text

    assert "<blockquote" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_values_are_told_by_the_glossary() -> None:
    glossary = {"SEX": {"name": "sex", "values": {1: "male"}}}
    settings = Settings.model_validate({"models": {"m": {"glossary": glossary}}})
    wording = Wording(settings.models["m"].glossary)

    assert wording.column("SEX") == "sex"
    assert wording.coded("SEX", 1.0) == "male (1)"
    assert wording.pair("SEX", None) == "sex is missing"
    assert wording.pair("AGE", 37.0) == "AGE = 37"


def test_values_of_any_form_are_told_in_a_line() -> None:
    assert value_words([1.5] * 100) == "1.5, " * 8 + "and 92 more"
    assert value_words({"a": True, "b": None}) == "a: yes, b: missing"
    assert value_words("x\ny" * 200).endswith("…")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.000295163, "0.0003"),
        (0.417479, "0.4175"),
        (-0.5, "-0.5"),
        (0.0000123, "1.2e-05"),
        (12.34567, "12.3457"),
    ],
)
def test_what_a_model_computed_is_told_no_finer_than_anybody_reads(
    value: float, words: str
) -> None:
    assert Wording({}).answered("chance", value) == words
