"""How a page becomes a leaf of a report."""

from __future__ import annotations

import pytest

from sidelight_dashboard.report.binding import Binding
from sidelight_dashboard.report.contents import Page
from sidelight_dashboard.report.inside import Answer
from sidelight_dashboard.report.leaf import Frame, leaf
from sidelight_dashboard.report.places import Places


class Shelf:
    """Knows one page, one chart and one picture."""

    def link(self, address: str, own: str) -> str:
        return Places([("/alarms/1", "leaf-2")], None).link(address, own)

    def chart(self, address: str) -> str:
        return "figure-0" if address == "/api/models/m/drift/ranked?last=1d" else ""

    def image(self, address: str) -> str:
        return "data:image/png;base64,AA" if address == "/rows/inference/0/1/0/pictures/x" else ""


def made(page: str, *parts: str) -> str:
    return leaf(page, Frame("/models/m/drift?last=1d", "leaf-1", frozenset(parts)), Shelf())


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<p>a &lt;b&gt; &amp; &#39;c&#39;</p>", "<p>a &lt;b&gt; &amp; &#39;c&#39;</p>"),
        ('<p title="a &quot;b&quot;">c</p>', '<p title="a &quot;b&quot;">c</p>'),
        ("<h1>a</h1><h2>b</h2>", "<h2>a</h2><h3>b</h3>"),
        ('<div id="a" data-live><br>b</div>', '<div id="leaf-1-a"><br>b</div>'),
        ('<a href="/alarms/1">a</a>', '<a href="#leaf-2">a</a>'),
        ('<a href="#b">a</a>', '<a href="#leaf-1-b">a</a>'),
        ('<a href="/rows/x">a</a>', "<span>a</span>"),
        ('<a href="/api/alarms">a</a>', ""),
        ('<a class="button" href="/rows/x">a</a>', ""),
        ('<a href="/alarms/1" download>a</a>', ""),
        ("<form>a<input><b>b</b></form>c", "c"),
        ("<p>a<span data-online>, b <i>c</i></span>.</p>", "<p>a.</p>"),
        (
            '<figure data-chart="/api/models/m/drift/ranked?last=1d"></figure>',
            '<figure data-chart="figure-0"></figure>',
        ),
        ('<figure data-chart="/api/other">a</figure>', "<figure>a</figure>"),
        (
            '<img src="/rows/inference/0/1/0/pictures/x" alt="a">',
            '<img src="data:image/png;base64,AA" alt="a">',
        ),
        ('<p>a<img src="/gone" alt="b">c</p>', "<p>ac</p>"),
        ("<ul><li>a<li>b</ul>c", "<ul><li>a<li>b</li></li></ul>c"),
    ],
)
def test_a_page_becomes_a_leaf(page: str, told: str) -> None:
    assert made(page) == told


def test_only_the_parts_that_are_asked_for_are_bound() -> None:
    page = (
        '<h1>no</h1><section id="a">one <b>two</b></section>no'
        '<section aria-labelledby="b"><h2 id="b">three</h2></section>no'
    )
    assert made(page, "a", "b") == (
        '<section id="leaf-1-a">one <b>two</b></section>'
        '<section aria-labelledby="leaf-1-b"><h3 id="leaf-1-b">three</h3></section>'
    )


def test_a_link_leads_to_the_page_as_it_was_asked_for_else_to_the_page() -> None:
    places = Places(
        [("/models/m/drift?last=1d", "leaf-1"), ("/models/m/drift?feature=a&last=1d", "leaf-2")],
        "https://side.example/",
    )
    assert places.link("/models/m/drift?last=1d&feature=a#column", "") == "#leaf-2"
    assert places.link("/models/m/drift?last=7d", "") == "#leaf-1"
    assert places.link("/models/m/drift?last=7d", "leaf-1") == ""
    assert places.link("/rows/inference/0/1/2", "") == "https://side.example/rows/inference/0/1/2"
    assert places.link("https://runbooks.example/drift", "") == "https://runbooks.example/drift"


def test_a_page_whose_address_leads_elsewhere_is_told_to_be_missing() -> None:
    binding = Binding(lambda _: Answer(307, "", b""), Places((), None))
    told = binding.leaf(Page("/alarms//", "An alarm"), "leaf-1")
    assert "Not told: its address leads elsewhere." in told.html
