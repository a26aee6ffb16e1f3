"""`sidelight check`: what is in force, where it came from, and whether it can work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight import __version__
from sidelight.command import extras
from sidelight.command.columns import columns
from sidelight.command.options import Config

if TYPE_CHECKING:
    from sidelight.config import Loaded


def check(
    config: Config = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the file instead.")
    ] = False,
) -> None:
    """Print what is in force and where each value came from; exit 2 with all errors."""
    if schema:
        from sidelight.config.schema import schema_text

        typer.echo(schema_text(), nl=False)
        return
    from sidelight.config import load
    from sidelight.config.files import require_files

    loaded = load(config)
    for line in report(loaded):
        typer.echo(line)
    require_files(loaded)


def report(loaded: Loaded) -> Iterator[str]:
    """The lines that `check` prints."""
    from sidelight.command.banner import log_place, probes_place, spool_place
    from sidelight.config.brokers import is_kafka
    from sidelight.config.capturing.sink_packages import missing_packages
    from sidelight.config.capturing.undeclared import undeclared
    from sidelight.config.fields import dotted
    from sidelight.config.listing import in_force
    from sidelight.config.services import configured

    yield f"sidelight {__version__}, {loaded.file or 'no configuration file'}"
    yield ""
    yield from columns([(dotted(one.key), one.value, one.origin) for one in in_force(loaded)])
    yield ""
    services = configured(loaded.settings)
    on_kafka = ("kafka",) if is_kafka(loaded.settings.log.url) else ()
    yield from columns(
        [
            ("log", log_place(loaded.settings.log.url)),
            *(spool_place(loaded.settings) if "logger" in services else ()),
            *probes_place(loaded.settings),
            ("services", ", ".join(services) or "none has anything to do"),
            *((f"extra {extra}", _installed(extra)) for extra in (*extras.SERVICES, *on_kafka)),
            *((f"sink {name}", text) for name, text in missing_packages(loaded.settings)),
            *undeclared(loaded.settings),
        ]
    )


def _installed(extra: str) -> str:
    missing = extras.missing(extra)
    if not missing:
        return "installed"
    return f"missing {', '.join(missing)}; run: pip install 'sidelight[{extra}]'"
