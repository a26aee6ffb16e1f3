"""Attackers who know how they are looked for.

What is meant is not what is asked: every query is drawn anew around it (query blinding: Chen,
Carlini, Wagner, "Stateful detection of black-box adversarial attacks", SPAI 2020), by more than
nearest neighbours differ where that is needed (wide steps instead of near ones: Feng et al.,
"Stateful defenses for machine learning models are not yet secure", CCS 2023). The attack pays for
it with answers to another question than it has.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from tests.detectors.attacking.families import Disguise
from tests.detectors.attacking.spaces import Points


def turned(points: Points, random: np.random.Generator) -> Points:
    """Shifted by up to two elements and turned by up to ten degrees."""
    found = []
    for point in points[..., 0]:
        shifted = ndimage.shift(point, random.uniform(-2, 2, 2), order=1)
        found.append(ndimage.rotate(shifted, random.uniform(-10, 10), reshape=False, order=1))
    return np.clip(np.array(found, np.float32), 0, 1)[..., None]


def rounded(points: Points, random: np.random.Generator) -> Points:
    """In steps of 1/8 from an offset of its own."""
    offset = random.uniform(0, 0.125, (len(points), 1, 1, 1))
    return np.clip(np.round((points + offset) * 8) / 8 - offset, 0, 1).astype(np.float32)


def noisy(points: Points, random: np.random.Generator) -> Points:
    """With normal noise of 0.3 a claim or pixel."""
    return np.clip(points + random.normal(0, 0.3, points.shape), 0, 1).astype(np.float32)


def washed(points: Points, random: np.random.Generator) -> Points:
    """All of it: turned, of another contrast and brightness, with normal noise of 0.15."""
    contrast = random.uniform(0.6, 1.0, (len(points), 1, 1, 1))
    light = random.uniform(0, 0.3, (len(points), 1, 1, 1))
    noise = random.normal(0, 0.15, points.shape)
    return np.clip(turned(points, random) * contrast + light + noise, 0, 1).astype(np.float32)


DISGUISES: Mapping[str, Mapping[str, Disguise]] = {
    "digits": {"rounded": rounded, "turned": turned, "noisy": noisy, "washed": washed},
    "census": {"noisy": noisy},
}
"""By target and name."""
