"""What the newest judged windows of a detector mean for a model version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sidelight.config.settings import ModelSettings
from sidelight_dashboard.alarms.naming import title_of
from sidelight_dashboard.alarms.sizes import Size, sizes_of
from sidelight_dashboard.alarms.words import headline, size_words
from sidelight_dashboard.hiding import hidden_of
from sidelight_dashboard.overview.status import Status, Word, prevailing
from sidelight_dashboard.overview.windows import Verdict, Window, since
from sidelight_dashboard.store.opening import Store
from sidelight_dashboard.words.numbers import number
from sidelight_dashboard.words.wording import Wording

MOST_TOLD = 3
"""Segments that one sentence tells of."""

_WORDS: Mapping[Verdict, Word] = {
    "beyond": "WATCH",
    "evidence": "WATCH",
    "within": "OK",
    "unknown": "NO DATA",
}


def judged_status(store: Store, windows: Sequence[Window], model: ModelSettings) -> Status:
    """Of one detector's newest windows, one for each segment."""
    words = [word_of(one) for one in windows]
    word = prevailing(words)
    telling = [one for one, said in zip(windows, words, strict=True) if said == word][:MOST_TOLD]
    began = [since(store, one) for one in telling]
    earliest = min(began, key=lambda one: one.at_ns)
    why = " ".join(_sentence(one, model) for one in telling)
    return Status(word, why, earliest.at_ns, earliest.or_earlier)


def word_of(window: Window) -> Word:
    """A gap that nobody can tell is no gap that is fair."""
    if window.verdict == "within" and _unknown(window):
        return "NO DATA"
    return _WORDS[window.verdict]


def _unknown(window: Window) -> int:
    """Comparisons of groups that have not enough data."""
    return sum(one["verdict"] == "not enough data" for one in _comparisons(window))


def _comparisons(window: Window) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = window.head.get("gaps") or window.head.get("rates") or ()
    return found


def _sentence(window: Window, model: ModelSettings) -> str:
    title, rows = title_of(window.key.detector), f"{window.rows:,} rows"
    where = f"in {window.key.segment} " if window.key.segment else ""
    beside = f"beside version {window.key.against} " if window.key.against else ""
    about = f"{title} {beside}{where}".rstrip()
    match window.verdict:
        case "unknown":
            return f"{about}: not enough data ({window.refused})."
        case "evidence":
            evidence, limit = number(window.evidence), number(window.evidence_threshold)
            return f"{about}: no alarm yet, but the e-value is {evidence}; {limit} raises one."
        case "beyond":
            return f"{about}, newest window of {rows}: {_size(window, model)}"
        case "within" if unknown := _unknown(window):
            of = len(_comparisons(window))
            return f"{about}: {unknown} of {of} comparisons have not enough data with {rows}."
        case _:
            return f"{about}: the newest window, of {rows}, is within its limits."


def _size(window: Window, model: ModelSettings) -> str:
    """Nothing of a column that redaction drops by now."""
    hidden, effect = hidden_of(model), window.head.get("effect")
    if not isinstance(effect, Mapping):
        sizes = sizes_of({"finding": window.head}, model.glossary, hidden)
        return headline(sizes) or _BEYOND
    if effect["column"] in hidden:
        return _BEYOND
    label = Wording(model.glossary).column(effect["column"])
    three = (effect["size"], effect["low"], effect["high"])
    return size_words(Size("effect", label, *three, None, window.head["tolerance"], True))


_BEYOND = "beyond its limit."
