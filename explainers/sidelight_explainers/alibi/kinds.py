"""What is known of alibi's classes before one of them is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidelight.config.explaining.alibi import GLOBAL
from sidelight.config.explaining.method import Modality


@dataclass(frozen=True, slots=True)
class Kind:
    """A class: what it explains, and whether its ``explain`` takes rows rather than one row.

    `reference_rows` are what it is given when the configuration does not say; None is all.
    """

    modalities: tuple[Modality, ...] = ("tabular",)
    takes_rows: bool = True
    reference_rows: int | None = None


PIXELS: tuple[Modality, ...] = ("tabular", "image")

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(GLOBAL, Kind()),
    "AnchorImage": Kind(("image",), takes_rows=False),
    "AnchorTabular": Kind(takes_rows=False),
    "AnchorText": Kind(("text",), takes_rows=False),
    "CEM": Kind(PIXELS),
    "Counterfactual": Kind(PIXELS),
    "CounterfactualProto": Kind(PIXELS),
    "IntegratedGradients": Kind(PIXELS),
    "KernelShap": Kind(reference_rows=100),
}

SAVED = Kind(("tabular", "text", "image"))
"""One that is loaded, before its name is known."""
