"""Imports alibi, whose releases do not fit the Python of today everywhere."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

SUMMING_SHAP = (0, 45)
"""Since this release shap returns several outputs in one array, which alibi's KernelShap refuses
or, worse, misreads."""


GRAPHS = ("CEM", "Counterfactual", "CounterfactualProto")
"""Written for TensorFlow 1, whose graphs version 2 has to be told to make."""


class Refused(Exception):
    """What the configuration asks for cannot be had; the message is for whoever wrote it."""


def alibi_explainer(name: str) -> Any:
    """The class of that name; `Refused` when it, or what it needs, is not installed."""
    explainers = _explainers()
    found = getattr(explainers, name, None)
    if not isinstance(found, type):
        raise Refused(f"{name} needs TensorFlow; run: pip install 'alibi[tensorflow]'")
    if name == "KernelShap":
        _check_shap()
    if name in GRAPHS:
        importlib.import_module("tensorflow").compat.v1.disable_v2_behavior()
    return found


def alibi_version() -> str:
    return str(importlib.import_module("alibi").__version__)


def _explainers() -> Any:
    if importlib.util.find_spec("alibi") is None:
        raise Refused(
            "alibi is not installed; run: pip install 'sidelight[alibi]' in an environment of its"
            " own, and name its interpreter in 'python'"
        )
    if "ray" not in sys.modules and importlib.util.find_spec("ray") is None:
        # Without ray alibi puts an object into a Union that Python 3.11's typing cannot look at,
        # and then cannot be imported at all; nothing here is ever distributed by ray.
        sys.modules["ray"] = types.ModuleType("ray")
    return importlib.import_module("alibi.explainers")


def _check_shap() -> None:
    version = str(importlib.import_module("shap").__version__)
    if tuple(int(part) for part in version.split(".")[:2]) >= SUMMING_SHAP:
        raise Refused(
            f"alibi's KernelShap misreads what shap {version} gives it; run: pip install"
            " 'shap<0.45', or configure the method 'shapley' instead"
        )
