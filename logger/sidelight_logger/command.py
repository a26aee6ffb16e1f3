"""`sidelight logger`: proxy, recorder and shipper beside one model server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from sidelight.command.options import Config
from sidelight_logger.agent.flags import AgentFlags, with_agent_flags

GRACE_SECONDS = 15.0


class _Spelt(TyperCommand):
    """Takes flags as Go's programs do too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        from sidelight_logger.agent.spelling import spelt

        return super().parse_args(ctx, spelt(args))


app = typer.Typer()


@app.command(cls=_Spelt)
@with_agent_flags
def logger(
    config: Config = None,
    listen: Annotated[
        str | None, typer.Option(help="Address that clients call, such as 127.0.0.1:9081.")
    ] = None,
    upstream: Annotated[
        str | None, typer.Option(help="The model server, such as http://127.0.0.1:8080.")
    ] = None,
    grpc_listen: Annotated[
        str | None, typer.Option(help="Address that gRPC clients call; --listen takes them too.")
    ] = None,
    grpc_upstream: Annotated[
        str | None, typer.Option(help="The model server's gRPC, such as 127.0.0.1:8081.")
    ] = None,
    grace_seconds: Annotated[
        float | None,
        typer.Option(
            min=0,
            help=f"Time to finish what is in flight when stopped; {GRACE_SECONDS:g} when not given,"
            " in the agent's place 5 less than the pod has.",
        ),
    ] = None,
    *,
    agent: AgentFlags,
) -> None:
    """Log the payloads of one model server: forward, record, ship.

    Example: sidelight logger --listen 127.0.0.1:9081 --upstream http://127.0.0.1:8080
    """
    from sidelight_logger.agent.meaning import grace_seconds as of_pod
    from sidelight_logger.agent.meaning import mounted, stands_in
    from sidelight_logger.running import run

    _refuse_both("--listen", listen, "--port", agent.port)
    _refuse_both("--upstream", upstream, "--component-port", agent.component_port)
    if grace_seconds is None:
        grace_seconds = of_pod(os.environ) if stands_in(agent) else GRACE_SECONDS
    own = {
        "logger.listen": listen,
        "logger.upstream": upstream,
        "logger.grpc_listen": grpc_listen,
        "logger.grpc_upstream": grpc_upstream,
    }
    config = config or mounted(agent)
    raise typer.Exit(run(config, given(config, agent, own), grace_seconds))


def given(config: Path | None, agent: AgentFlags, own: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the flags name, and the agent's usual ones that nobody else does."""
    from sidelight.config import load
    from sidelight_logger.agent.meaning import settings_of, stands_in, usual

    named = {
        **settings_of(agent),
        **{key: value for key, value in own.items() if value is not None},
    }
    flags = {key: value for key, value in named.items() if value is not None}
    if not stands_in(agent):
        return flags
    loaded = load(config, flags)
    others = {key: value for key, value in usual().items() if loaded.origin(key) == "default"}
    return {**others, **flags}


def _refuse_both(name: str, value: str | None, other_name: str, other: int | None) -> None:
    if value is not None and other is not None:
        raise typer.BadParameter(f"{name} and {other_name} say the same; give one of them")
