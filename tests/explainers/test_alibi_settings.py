"""What needs no alibi: settings, forms of rows, what is told of answers, messages."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sidelight.config.explaining.alibi import TYPES, AlibiSettings
from sidelight.config.settings import ModelSettings
from sidelight.errors import ConfigError, DataMismatch, MissingExtra
from sidelight.pinning import folder_sha256
from sidelight.tensors import Column, Columns
from sidelight_explainers.alibi.answers import Classes, Numbers
from sidelight_explainers.alibi.forms import form_of
from sidelight_explainers.alibi.inside.wire import receive, send
from sidelight_explainers.alibi.kinds import KINDS
from sidelight_explainers.alibi.opening import open_method
from sidelight_explainers.subject import Subject


def test_every_type_of_the_configuration_is_known() -> None:
    assert set(TYPES) == set(KINDS)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "one of 'type'"),
        ({"type": "ALE", "load": "saved"}, "one of 'type'"),
        ({"load": "saved"}, "saved can run code"),
        ({"load": "saved", "sha256": "00"}, "saved can run code"),
        ({"type": "ALE", "sha256": "00"}, "belong to 'load'"),
        ({"type": "AnchorTabular", "args": {"seed": 1}}, "'seed' is not for 'args'"),
        ({"type": "PermutationImportance"}, "needs 'target'"),
        ({"type": "IntegratedGradients"}, "needs 'model'"),
        ({"type": "TreeShap"}, "Input should be"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(asked: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        AlibiSettings.model_validate(asked)


def test_a_request_sets_only_what_alibi_explains_with() -> None:
    known = set(AlibiSettings(type="AnchorTabular").open_to_requests("tabular"))
    assert {"explain", "seed", "budget", "threshold"} <= known
    assert not {"args", "python", "load", "memory_bytes"} & known


def test_where_alibi_is_not_installed_the_message_says_what_to_install() -> None:
    rows = Columns.of(a=[1.0, 2.0])
    subject = Subject("m", ModelSettings(), ("a",), rows, rows)
    told = r"m\.explainers\.alibi\.x: alibi is not installed; run: pip install 'sidelight\[alibi\]'"
    with pytest.raises(MissingExtra, match=told):
        open_method(subject, AlibiSettings(type="ALE"), "alibi.x")


def test_a_class_that_cannot_explain_such_inputs_is_refused() -> None:
    text = ModelSettings.model_validate({"features": {"t": "text"}})
    with pytest.raises(ConfigError, match="AnchorTabular explains tabular inputs, not text"):
        open_method(Subject("m", text, ("t",)), AlibiSettings(type="AnchorTabular"), "alibi.x")


def test_a_folder_is_opened_only_with_its_hash(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "explainer.dill").write_bytes(b"x")
    rows = Columns.of(a=[1.0, 2.0])
    subject = Subject("m", ModelSettings(), ("a",), rows, rows)
    pinned = folder_sha256(saved)
    (saved / "explainer.dill").write_bytes(b"y")
    settings = AlibiSettings(load=saved, sha256=pinned, allow_unsafe_artifacts=True)
    with pytest.raises(ConfigError, match="its sha256 is"):
        open_method(subject, settings, "alibi.x")


def _mixed() -> Subject:
    rows = Columns.of(age=np.array([30, 40, 50]), sex=["f", "m", "f"], wage=[1.5, 2.5, 3.5])
    return Subject("m", ModelSettings(), rows.names, rows, rows)


def test_rows_come_back_from_alibi_as_they_went() -> None:
    subject = _mixed()
    rows, form = subject.rows(), form_of(_mixed())
    matrix = form.encode(rows)
    np.testing.assert_array_equal(matrix, [[30, 0, 1.5], [40, 1, 2.5], [50, 0, 3.5]])
    again = form.decode(matrix, rows)
    for name in rows.names:
        assert again[name].values.dtype == rows[name].values.dtype
        assert again[name].values.tolist() == rows[name].values.tolist()


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (Columns.of(age=[1], sex=["x"], wage=[1.0]), "feature 'sex': the reference knows no 'x'"),
        (Columns.of(age=["1"], sex=["f"], wage=[1.0]), "feature 'age' is a string"),
        (Columns.of(age=[1], sex=["f"], wage=[np.inf]), "feature 'wage' is not finite"),
        (Columns.of(age=[1], sex=[None], wage=[1.0]), "feature 'sex'"),
        (Columns.of(age=[1], sex=["f"]), "'wage' is missing"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_its_column(row: Columns, told: str) -> None:
    with pytest.raises(DataMismatch, match=told):
        form_of(_mixed()).encode(row)


def test_pictures_keep_their_type_and_their_shape() -> None:
    grey = ModelSettings.model_validate({"features": {"i": "image"}})
    picture = Columns((Column("i", np.arange(12, dtype=np.uint8).reshape(1, 3, 4)),))
    form = form_of(Subject("m", grey, ("i",)))
    encoded = form.encode(picture)
    assert encoded.shape == (1, 3, 4, 1)
    again = form.decode(encoded + 0.4, picture)["i"].values
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, picture["i"].values)


def test_classes_are_what_the_model_decides() -> None:
    options = AlibiSettings(type="AnchorTabular")
    several = Columns((Column("p", np.array([[0.2, 0.8], [0.6, 0.4]])),))
    assert Classes(None, options)(several).tolist() == [1, 0]
    one = Columns.of(p=[0.2, 0.8])
    assert Classes(None, options)(one).tolist() == [0, 1]
    labels = Classes(None, options)
    assert labels(Columns.of(y=["b", "a", "b"])).tolist() == [0, 1, 0]
    assert labels(Columns.of(y=["a"])).tolist() == [1]
    assert labels.classes == ["b", "a"]


def test_numbers_are_one_output_or_all_of_them() -> None:
    answer = Columns((Column("p", np.array([[0.2, 0.8], [0.6, 0.4]])),))
    assert Numbers(None)(answer).shape == (2, 2)
    assert Numbers("p[1]")(answer).tolist() == [0.8, 0.4]
    for output in ("y", "y=b"):
        label = Numbers(output)
        assert label(Columns.of(y=["b", "a"])).tolist() == [1, 0]
        assert label(Columns.of(y=["a", "b"])).tolist() == [0, 1]


def test_messages_carry_numbers_to_the_last_bit_and_no_objects() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        array = np.array([[np.nan, 0.1], [-np.inf, 5e-324]])
        send(ours, {"a": ["é", None]}, rows=array)
        message = receive(theirs)
        assert message.told == {"a": ["é", None]}
        assert message.arrays["rows"].tobytes() == array.tobytes()
        with pytest.raises(ValueError, match="allow_pickle"):
            send(ours, {}, rows=np.array([object()]))
        ours.close()
        with pytest.raises(EOFError):
            receive(theirs)


def test_nothing_of_alibi_is_imported_by_the_service() -> None:
    assert "alibi" not in sys.modules
