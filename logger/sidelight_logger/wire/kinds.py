"""How every frame begins."""

from __future__ import annotations

import struct

LENGTH = struct.Struct("<I")
"""Of what follows: the kind, one byte, and the fields."""

CAPTURE = 1
SINK = 2
HELLO = 3
