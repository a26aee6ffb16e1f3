from __future__ import annotations

import json
import re
from pathlib import Path

import sidelight_dashboard
from sidelight_dashboard.figures import Axis, beside, limit, mark, over_time, span, steps
from sidelight_dashboard.times import NS

ROOMS = Path(sidelight_dashboard.__file__).parent

T = 1_795_420_800 * NS
ENDS = [T, T + NS, T + 2 * NS, T + 3 * NS]


def test_a_value_holds_over_the_window_that_ends_there() -> None:
    trace = steps("effect", ENDS, [0.1, 0.2, 0.3, 0.4])
    assert trace["line"]["shape"] == "vh"
    assert trace["mode"] == "lines"
    assert trace["x"][1] == "2026-11-23T08:00:01.000Z"


def test_gaps_stay_gaps() -> None:
    trace = steps("effect", ENDS, [0.1, 0.2, None, 0.4])
    assert trace["y"] == [0.1, 0.2, None, 0.4]
    assert trace["connectgaps"] is False


def test_a_window_between_gaps_can_be_seen() -> None:
    trace = steps("effect", ENDS, [0.1, 0.2, None, 0.4])
    assert [size > 0 for size in trace["marker"]["size"]] == [False, False, False, True]
    assert "markers" in trace["mode"]


def test_the_only_window_can_be_seen() -> None:
    assert steps("effect", [T], [0.1])["marker"]["size"] == [6]


def test_the_limit_is_no_line_like_the_value() -> None:
    assert limit("tolerance", ENDS, [0.1] * 4)["line"]["dash"] == "dash"


def test_the_axis_says_which_way_is_bad() -> None:
    assert Axis("effect", "up").label == "effect (up is worse)"
    assert Axis("p-value", "down").label == "p-value (down is worse)"
    assert Axis("rows").label == "rows"


def test_shares_begin_at_zero_and_powers_of_ten_do_not() -> None:
    share = over_time([], Axis("rate", share=True))["layout"]["yaxis"]
    evidence = over_time([], Axis("evidence", log=True))["layout"]["yaxis"]
    assert (share["rangemode"], share["tickformat"]) == ("tozero", ".1%")
    assert (evidence["rangemode"], evidence["type"]) == ("normal", "log")


def test_figures_are_json_with_colours_as_roles() -> None:
    figure = over_time(
        [steps("effect", ENDS, [0.1, None, 0.3, 0.4])],
        Axis("effect"),
        [span(T, T + NS), mark(T, "version 2")],
    )
    told = json.dumps([figure, beside(["a"], [0.1], [0.2], Axis("share"))])
    assert "$series" in told
    assert "#" not in told


def test_every_role_has_a_colour() -> None:
    style = (ROOMS / "web" / "static" / "style.css").read_text()
    for module in ROOMS.rglob("*.py"):
        for role in re.findall(r"\"\$([a-z]+)\"", module.read_text()):
            assert f"--chart-{role}:" in style, f"{module.name}: ${role}"
