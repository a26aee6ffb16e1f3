"""What an explanation cost, in a sentence."""

from __future__ import annotations

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.wording import counted

_ACCURATE = "it had asked all that it needed"

_ENDINGS = {
    "budget": "its budget was spent",
    "deadline": "its time was over",
}


def cost(explanation: Explanation, accurate: str = _ACCURATE) -> str:
    """How it was found, what that took, and why it ended; `accurate` says why where that is why."""
    spent = explanation.quality
    if explanation.box == "whitebox":
        return f"{explanation.method}, read from the model itself in {spent.seconds:.2g} s."
    return (
        f"{explanation.method}: {counted(spent.rows, 'row')} asked in"
        f" {counted(spent.calls, 'call')}, {spent.seconds:.2g} s; it ended because"
        f" {_ENDINGS.get(spent.stopped, accurate)}."
    )
