"""What `sidelight logger` says of itself when it starts."""

from __future__ import annotations

from collections.abc import Iterator

from sidelight.config import Listen, Settings
from sidelight.config.listing import shown
from sidelight.config.services import recorded
from sidelight.log.scope import place
from sidelight_logger.servers import Servers
from sidelight_logger.sockets import Sockets, address_of


def banner(settings: Settings, behind: Servers | None, sockets: Sockets) -> Iterator[str]:
    """Line by line."""
    yield "Sidelight logger"
    if behind and sockets.http:
        http = address_of(sockets.http)
        rpc = address_of(sockets.grpc) if sockets.grpc else http
        yield f"  traffic   {Listen.parse(http).url}  ->  http://{behind.http.authority}"
        yield f"  grpc      {rpc}  ->  {behind.grpc.authority}"
    if settings.logger.socket:
        yield f"  socket    {settings.logger.socket}"
    yield f"  metrics   {Listen.parse(address_of(sockets.metrics)).url}/metrics"
    yield f"  log       {_place(settings.log.url)}"
    written = recorded(settings).url
    if written != settings.log.url:
        yield f"  spool     {_place(written)}"
    for name, sink in settings.logger.sinks.items():
        yield f"  sink      {name}: {shown(sink.url)}  ({sink.form})"


def _place(url: str) -> str:
    kept = place(url)
    return shown(url) if kept is None else kept.sentence
