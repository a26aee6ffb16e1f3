"""Explanations on a terminal and as files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sidelight.errors import ConfigError
from sidelight_explainers.explanation import Explanation
from sidelight_explainers.pictures.rendering import PictureKind, render


@dataclass(frozen=True)
class Files:
    """Where to write pictures; None is nowhere."""

    html: Path | None = None
    svg: Path | None = None
    png: Path | None = None

    def __iter__(self) -> Iterator[tuple[PictureKind, Path]]:
        if self.html is not None:
            yield "html", self.html
        if self.svg is not None:
            yield "svg", self.svg
        if self.png is not None:
            yield "png", self.png


def json_text(values: Sequence[Mapping[str, Any]]) -> str:
    """The one value, or the list of them, as indented JSON."""
    told = values[0] if len(values) == 1 else values
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode()


def write_pictures(explanations: Sequence[Explanation], files: Files) -> Iterator[Path]:
    """Each explanation in each kind; of several the files are numbered: ``out-0.html``, ..."""
    for kind, file in files:
        for at, explanation in enumerate(explanations):
            path = file if len(explanations) == 1 else _numbered(file, at)
            _write(path, render(explanation, kind)[0])
            yield path


def _numbered(file: Path, at: int) -> Path:
    return file.with_stem(f"{file.stem}-{at}")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as exc:
        raise ConfigError(f"{path} cannot be written: {exc.strerror}") from exc
