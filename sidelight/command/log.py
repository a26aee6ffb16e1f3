"""`sidelight log`: what the event log holds, as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidelight.command.options import Config
from sidelight.errors import ConfigError
from sidelight.log import topics

if TYPE_CHECKING:
    from sidelight.command.lines import Line
    from sidelight.config.settings import LogSettings
    from sidelight.log import Log, Stored


_DELETE = "delete"


def log(
    topic: Annotated[
        str, typer.Argument(help=f"{', '.join(topics.ALL)}; or delete", show_default=False)
    ],
    ids: Annotated[
        list[str] | None,
        typer.Argument(help="delete: ids of exchanges, ours or the clients'.", show_default=False),
    ] = None,
    config: Config = None,
    limit: Annotated[int, typer.Option(min=1, help="Records at most.")] = 10,
    model: Annotated[str | None, typer.Option(help="Only records about this model.")] = None,
    bodies: Annotated[
        bool, typer.Option("--bodies", help="Exchanges with their headers and both bodies.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new records until Ctrl-C.")
    ] = False,
) -> None:
    """Print the newest records of a topic, oldest first, one JSON object a line.

    `delete ID...` takes the bodies of exchanges, and what tells of their rows, out of the files of
    a log on this machine.
    """
    if topic == _DELETE:
        _delete(config, ids or [])
        return
    if ids:
        raise ConfigError(f"{ids[0]!r}: only delete takes ids; write one topic")
    if topic not in topics.ALL:
        raise ConfigError(f"there is no topic {topic!r}; there are {', '.join(topics.ALL)}")
    import orjson

    from sidelight.command.lines import line_of, model_of
    from sidelight.command.newest import ends, following, newest
    from sidelight.command.payloads import payloads_of
    from sidelight.config import load

    def telling(stored: Stored) -> Line | None:
        line = line_of(stored)
        if model not in (None, model_of(line)):
            return None
        return line | payloads_of(stored.record) if bodies else line

    opened = open_standing(load(config).settings.log)
    try:
        spans = ends(opened, topic)
        for line in newest(opened, topic, spans, limit, telling):
            typer.echo(orjson.dumps(line))
        for line in following(opened, topic, spans, telling) if follow else ():
            typer.echo(orjson.dumps(line))
    finally:
        opened.close()


def _delete(config: Path | None, ids: list[str]) -> None:
    from sidelight.command.log_delete import deleting
    from sidelight.config import load

    if not ids or not all(ids):
        raise ConfigError("delete takes the ids of exchanges; `sidelight log inference` shows them")
    for line in deleting(load(config).settings, ids):
        typer.echo(line)


def open_standing(settings: LogSettings) -> Log:
    """The log, which must be there: to look at one must not make one."""
    from sidelight.log import open_log

    if "://" not in settings.url and not (Path(settings.url) / "log.json").exists():
        raise ConfigError(
            f"there is no log at {settings.url}; a service makes it when it starts, and "
            "--config names the file that says where"
        )
    return open_log(settings)
