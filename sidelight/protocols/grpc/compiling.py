"""Compiles `open_inference.proto`: ``python -m sidelight.protocols.grpc.compiling``.

Only who changes the protocol needs this, and grpcio-tools for it.
"""

from __future__ import annotations

from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

from sidelight.protocols.grpc.open_inference import COMPILED

SOURCE = COMPILED.with_suffix(".proto")


def compile_proto(target: Path) -> None:
    """Write what `open_inference.proto` says to `target`, as a serialized FileDescriptorSet."""
    arguments = ["protoc", f"-I{SOURCE.parent}", f"--descriptor_set_out={target}", SOURCE.name]
    if protoc.main(arguments):
        raise SystemExit(f"{SOURCE} does not compile")


if __name__ == "__main__":
    compile_proto(COMPILED)
