"""alibi-detect's adversarial detectors: networks trained beside the classifier that they defend.

Both need TensorFlow, and the classifier as a Keras model: its gradients or outputs are what they
learn from. Their networks are dense here; other ones come as a saved detector.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidelight.config.detecting.alibi import DEFENDERS, AlibiSettings
from sidelight.errors import ConfigError, MissingExtra
from sidelight.pinning import pinned_file
from sidelight_detectors.alibi.legacy import SUFFIXES

FITTING = ("epochs", "batch_size", "w_model", "w_recon")
"""Arguments of theirs that are for training; the others are the constructor's."""

WIDTHS = {"AdversarialAE": (64, 16), "ModelDistillation": (64,)}
"""Hidden layers where `args` has no `layers`."""

KERAS_2 = "TF_USE_LEGACY_KERAS"

HELD_OUT = 4
"""One reference row in so many is not trained on: a threshold from rows that the networks have
learnt is too low (measured on digits: 18 % false alarms where 5 % were asked)."""

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]


def made(name: str, settings: AlibiSettings, reference: Matrix) -> Any:
    """A detector of that class, trained on most of the reference, its threshold from the rest.

    On one machine it is the same each time. Raises `MissingExtra` without TensorFlow, `ConfigError`
    for a model file of no use.
    """
    require_tensorflow(name)
    keras = importlib.import_module("tensorflow").keras
    _make_reproducible(settings.seed)
    args = dict(settings.args)
    widths = _widths(name, args.pop("layers", WIDTHS[name]))
    fitting = {key: args.pop(key) for key in FITTING if key in args}
    order = np.random.default_rng(settings.seed).permutation(len(reference))
    is_held_out = order % HELD_OUT == 0
    rows = reference[~is_held_out].astype(np.float32)
    defended = _model(settings, keras)
    networks = NETWORKS[name](keras, defended, rows, widths)
    kind = getattr(importlib.import_module("alibi_detect.ad"), name)
    detector = kind(model=defended, **networks, **args)
    detector.fit(rows, verbose=False, **fitting)
    if detector.threshold is None:
        held_out = reference[is_held_out].astype(np.float32)
        detector.infer_threshold(held_out, threshold_perc=100.0 * (1.0 - settings.rate))
    return detector


def require_tensorflow(name: str) -> None:
    if not importlib.util.find_spec("tensorflow"):
        raise MissingExtra(f"{name} needs TensorFlow; run: pip install 'alibi-detect[tensorflow]'")


def check_saved(folder: Path) -> None:
    """Raise what is in the way of loading an adversarial detector from there, if it is one."""
    files = (name + suffix for name in DEFENDERS for suffix in SUFFIXES)
    found = next((file for file in files if (folder / file).exists()), None)
    if found is None:
        return
    require_tensorflow(f"a saved {Path(found).stem}")
    if (folder / "model" / "ae.ckpt.index").exists() and os.environ.get(KERAS_2) != "1":
        raise ConfigError(
            f"a saved {Path(found).stem} is of Keras 2; install tf-keras and set {KERAS_2}=1 in "
            "the environment of the service"
        )


def _autoencoder(
    keras: Any, _defended: Any, rows: Floats, widths: Sequence[int]
) -> Mapping[str, Any]:
    """Narrower and narrower, and back to the shape of a row."""
    shape = rows.shape[1:]
    *narrowing, code = widths
    encoder = _dense(keras, shape, narrowing, keras.layers.Dense(code))
    decoder = _dense(keras, (code,), narrowing[::-1], keras.layers.Dense(math.prod(shape)))
    decoder.add(keras.layers.Reshape(shape))
    return {"encoder_net": encoder, "decoder_net": decoder}


def _distilled(keras: Any, defended: Any, rows: Floats, widths: Sequence[int]) -> Mapping[str, Any]:
    """A smaller classifier of as many classes."""
    classes = int(defended.output_shape[-1])
    output = keras.layers.Dense(classes, activation="softmax")
    return {"distilled_model": _dense(keras, rows.shape[1:], widths, output)}


NETWORKS: Mapping[str, Callable[..., Mapping[str, Any]]] = {
    "AdversarialAE": _autoencoder,
    "ModelDistillation": _distilled,
}


def _dense(keras: Any, shape: tuple[int, ...], widths: Sequence[int], output: Any) -> Any:
    hidden = [keras.layers.Dense(width, activation="relu") for width in widths]
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), *hidden, output])


def _widths(name: str, asked: Any) -> tuple[int, ...]:
    if not asked or not all(isinstance(width, int) and width > 0 for width in asked):
        raise ConfigError(f"{name}: layers {asked!r} is no list of widths, such as [64, 16]")
    return tuple(asked)


def _model(settings: AlibiSettings, keras: Any) -> Any:
    """The classifier, from a copy that was hashed; Lambda layers are refused by Keras."""
    file = settings.model or Path()
    with TemporaryDirectory(prefix="sidelight-") as place:
        copy = pinned_file(file, Path(place), settings.sha256 or "")
        return keras.models.load_model(copy, compile=False, safe_mode=True)


def _make_reproducible(seed: int) -> None:
    """Of Keras, besides what `seeding` sets: layers draw from Python's own generator."""
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()
