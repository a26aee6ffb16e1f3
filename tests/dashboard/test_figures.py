from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import sidelight_dashboard
from sidelight.panes import Bar, Column
from sidelight_dashboard.drawing.figures import (
    Axis,
    after_reference,
    beside,
    limit,
    mark,
    over_time,
    plain,
    span,
    steps,
    told_apart,
)
from sidelight_dashboard.drift.bars import distribution_figure
from sidelight_dashboard.times import NS
from sidelight_dashboard.words.wording import Wording

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


def test_a_text_from_elsewhere_is_no_markup() -> None:
    assert plain("<b>&amp;") == "&lt;b&gt;&amp;amp;"
    assert mark(T, "version <b>2")["label"]["text"] == "version &lt;b&gt;2"


def test_what_looks_alike_is_numbered() -> None:
    assert told_apart(["a", "b", "a", "a (2)", "a"]) == ["a", "b", "a (2)", "a (2) (2)", "a (3)"]


def categories(*names: str) -> Column:
    bars = tuple(Bar(name, None, None, 0.1, 0.1) for name in names)
    return Column("c", "feature", "categorical", "", 9, 0.1, 0.1, 0, 1, 1, 1, False, bars)


def test_each_category_has_a_bar_of_its_own_and_its_own_name() -> None:
    long = "x" * 40
    column = categories("<b>bold", "", " ", long + "1", long + "2", "missing", "missing")
    figure = distribution_figure(column, Wording({}))
    names = figure["data"][0]["y"]
    assert names[:3] == ["&lt;b&gt;bold", "(blank)", "(blank) (2)"]
    assert names[5:] == ["missing", "missing (2)"]
    assert len(set(names)) == 7
    assert figure["layout"]["yaxis"]["categoryarray"] == names


def drawn(figure: Any, folder: Path) -> Any:
    """The figure as the page's script hands it to the library, in node."""
    for name in ("roles", "times"):
        script = (ROOMS / "web" / "static" / f"{name}.js").read_text()
        (folder / f"{name}.mjs").write_text(script.replace("./times.js", "./times.mjs"))
    (folder / "draw.mjs").write_text(
        'import { filled } from "./roles.mjs";\n'
        f"const figure = {json.dumps(figure)};\n"
        "console.log(JSON.stringify(filled(figure, (role) => `(${role})`)));\n"
    )
    command = [shutil.which("node") or "node", str(folder / "draw.mjs")]
    done = subprocess.run(
        command, capture_output=True, check=True, timeout=30, env={"TZ": "Asia/Tokyo"}
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the page's script")
def test_a_category_like_a_role_or_a_time_stays_itself(tmp_path: Path) -> None:
    names = ["$alarm", "2026-11-23T08:00:00.000Z"]
    column = distribution_figure(categories(*names), Wording({}))
    upright = drawn(beside(names, [0.1, 0.2], [0.3, 0.4], Axis("share")), tmp_path)
    lying = drawn(column, tmp_path)
    assert upright["data"][0]["x"] == names
    assert lying["data"][0]["y"] == names
    assert lying["layout"]["yaxis"]["categoryarray"] == names
    assert upright["data"][1]["marker"]["color"] == "(series)"


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the page's script")
def test_times_of_an_axis_of_times_are_those_of_the_viewers_zone(tmp_path: Path) -> None:
    figure = over_time([steps("$alarm", [T], [0.1])], Axis("effect"), [span(T, T + NS)])
    told = drawn(figure, tmp_path)
    assert told["data"][0]["x"] == ["2026-11-23T17:00:00.000"]
    assert told["data"][0]["name"] == "$alarm"
    assert told["layout"]["shapes"][0]["x0"] == "2026-11-23T17:00:00.000"
    assert told["layout"]["shapes"][0]["fillcolor"] == "(alarm)"


def test_the_reference_stands_left_of_a_rule_and_has_no_times() -> None:
    figure = after_reference(over_time([steps("effect", ENDS, [0.1] * 4)], Axis("effect")), 0.0)

    begin, _ = figure["layout"]["xaxis"]["domain"]
    assert figure["layout"]["xaxis2"]["domain"] == [0, begin]
    assert figure["layout"]["yaxis"]["anchor"] == "x2"
    assert [shape["x1"] for shape in figure["layout"]["shapes"]] == [begin, begin]
    assert figure["layout"]["annotations"][0]["text"] == "reference"
    level = figure["data"][-1]
    assert (level["xaxis"], level["y"]) == ("x2", [0.0, 0.0])
