"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="Configuration file; SIDELIGHT_CONFIG or ./sidelight.yaml when not given.",
        show_default=False,
    ),
]
