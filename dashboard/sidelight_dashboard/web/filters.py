"""What templates say of times, numbers and shares."""

from __future__ import annotations

from markupsafe import Markup

from sidelight_dashboard.chosen import Chosen
from sidelight_dashboard.times import iso
from sidelight_dashboard.words.numbers import (
    amount_words,
    answer_words,
    chance_words,
    large,
    number,
    p_value_words,
)


def time(at_ns: int) -> Markup:
    """A moment, which the page's script tells in the viewer's zone."""
    told = iso(at_ns)
    return Markup('<time datetime="{}">{}</time>').format(
        told, told[:19].replace("T", " ") + " UTC"
    )


def moment(at_ns: int) -> str:
    """As a form's `datetime-local` takes it, UTC."""
    return iso(at_ns)[:19]


def asked_again(chosen: Chosen) -> str:
    """``?...`` for a link to another page that shows the same stretch; empty for the default."""
    return f"?{chosen.query}" if chosen.query else ""


def percent(share: float | None, digits: int = 1) -> str:
    """A share as people read it; a dash where it is not known."""
    return "–" if share is None else f"{share:.{digits}%}"


def thousands(number: int) -> str:
    """``12,345``."""
    return f"{number:,}"


FILTERS = {
    "amount": amount_words,
    "answer": answer_words,
    "asked_again": asked_again,
    "chance": chance_words,
    "evidence": large,
    "moment": moment,
    "number": number,
    "p_value": p_value_words,
    "percent": percent,
    "thousands": thousands,
    "time": time,
}
