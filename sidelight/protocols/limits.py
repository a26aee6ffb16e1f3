"""How much of a payload is looked at before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from sidelight.errors import ConfigError

# numpy 1.26 has no arrays of more dimensions.
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one decoded body; beyond any of them `LimitExceeded` is raised.

    Decoding needs at most about 40 times the bytes of the body (an empty JSON list is two bytes
    on the wire and 80 in memory), so `body_bytes` and `decompressed_bytes` bound the memory.

    Parameters
    ----------
    body_bytes:
        Bytes as they are on the wire.
    decompressed_bytes:
        Bytes after gzip or deflate is undone.
    elements:
        Elements of one tensor, whatever its shape claims.
    depth:
        Dimensions of a tensor and nesting of `parameters`; at most 32.
    columns:
        Tensors or columns of one body.
    """

    body_bytes: int = 16 << 20
    decompressed_bytes: int = 16 << 20
    elements: int = 4 << 20
    depth: int = 16
    columns: int = 4096

    def __post_init__(self) -> None:
        if not 1 <= self.depth <= _DEEPEST:
            raise ConfigError(f"depth is {self.depth}; it must be 1 to {_DEEPEST}")


DEFAULT_LIMITS = Limits()
