"""What an explanation cost, in a sentence."""

from __future__ import annotations

from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.wording import counted

_ENDINGS = {
    "accurate": "it is as accurate as was wished",
    "budget": "its budget was spent",
    "deadline": "its time was over",
}


def cost(explanation: Explanation) -> str:
    """How it was found, what that took, and why it ended."""
    spent = explanation.quality
    if explanation.box == "whitebox":
        return f"{explanation.method}, read from the model itself in {spent.seconds:.2g} s."
    return (
        f"{explanation.method}: {counted(spent.rows, 'row')} asked in"
        f" {counted(spent.calls, 'call')}, {spent.seconds:.2g} s; it ended because"
        f" {_ENDINGS[spent.stopped]}."
    )
