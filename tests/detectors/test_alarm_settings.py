"""What cannot be promised together is refused, with the way out."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sidelight.config.detecting.drift import DriftSettings


@pytest.mark.parametrize("correction", ["bh", "ebh"])
def test_windows_raise_no_alarms_by_a_share_of_false_names(correction: str) -> None:
    with pytest.raises(ValidationError, match=f"correction: {correction} .* set correction: holm"):
        DriftSettings.model_validate({"correction": correction, "alarm": {"rule": "windows"}})
    assert DriftSettings.model_validate({"correction": correction}).alarm.rule == "sequential"


def test_requests_are_not_cut_apart_by_segments() -> None:
    alarm = {"block": "request", "block_by": "call"}
    with pytest.raises(ValidationError, match="needs them whole; leave out by, or"):
        DriftSettings.model_validate({"by": "sex", "alarm": alarm})
    DriftSettings.model_validate({"by": "sex", "alarm": {**alarm, "block": "day"}})
