"""What the demo shows: every address, how far the replay is, and what came out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from sidelight import __version__
from sidelight.demo.explaining import picture_command, told_by
from sidelight.demo.outcome import Outcome
from sidelight.demo.prepare import MODEL, Stage
from sidelight.demo.replay import Tell
from sidelight.demo.watching import Flagged, Watcher


class Screen:
    """The terminal, or a plain file when there is none."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        self._console.print(text)

    def banner(self, stage: Stage) -> None:
        at = {name: f"http://{address}" for name, address in stage.addresses.items()}
        rows = [
            ("dashboard", f"{at['dashboard']}  (open it in a browser)"),
            ("model", f"{at['predictor']}/v2/models/{MODEL}"),
            ("logger", f"{at['logger']}/v2/models/{MODEL}/infer  (clients call this)"),
            ("explain", f"POST {at['explainers']}/v1/models/{MODEL}:explain"),
            ("API", f"{at['explainers']}/openapi.json"),
            ("metrics", f"{at['detectors']}/metrics  (detectors)"),
            ("", f"{at['logger metrics']}/metrics  (logger)"),
            ("", f"{at['explainers']}/metrics  (explainers)"),
            ("configuration", str(stage.config)),
            ("log", stage.log.url),
        ]
        self.say(f"\n[bold]Sidelight {__version__}[/bold] demo: will this person be employed?")
        for title, text in rows:
            self.say(f"  {title:<14}{text}")
        self.say("")

    @contextmanager
    def phases(self, watcher: Watcher, quiet: int, opened: int) -> Iterator[tuple[Tell, Tell]]:
        """A bar for each phase, and what the detectors have said so far."""
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=6),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
        )
        with Progress(*columns, console=self._console) as progress:
            first = progress.add_task("2015, as before", total=quiet, said="")
            second = progress.add_task("2018, more open", total=opened, said="")

            def tell(task: object) -> Tell:
                return lambda done: progress.update(
                    task,  # type: ignore[arg-type]
                    completed=done,
                    said=_said(watcher),
                )

            yield tell(first), tell(second)

    def summary(self, outcome: Outcome, seconds: float) -> None:
        table = Table(title="What happened", show_header=False, title_justify="left")
        for title, text in outcome.table():
            table.add_row(title, text)
        table.add_row("time", f"{seconds:.0f} s from the command to this table")
        self._console.print(table)
        shortfalls = list(outcome.shortfalls())
        for shortfall in shortfalls:
            self.say(f"[red]not as promised:[/red] {shortfall}")
        if not shortfalls:
            self.say("[green]The story came out as promised.[/green]")

    def why(self, stage: Stage, flagged: Flagged) -> None:
        """The flagged row explained, here and in a picture."""
        command = picture_command(stage, flagged)
        self.say("\n[bold]Why does the model answer so for the strangest row?[/bold]")
        self._console.print(f"  $ sidelight {' '.join(command)}\n", markup=False)
        self._console.print(told_by(command), markup=False)

    def keep_serving(self, stage: Stage) -> None:
        self.say("\nStill serving; Ctrl-C ends it. See it all, from the alarm to the rows and why:")
        self.say(f"  http://{stage.addresses['dashboard']}")
        self.say("Look around, for example:")
        for command in (
            f"curl -s http://{stage.addresses['detectors']}/metrics | grep sidelight_drift",
            f"sidelight check --config {stage.config}",
            f"sidelight log alarms --config {stage.config}",
        ):
            self.say(f"  {command}")
        try:
            signal.pause()
        except KeyboardInterrupt:
            self.say("stopping")


def _said(watcher: Watcher) -> str:
    alarms = f"[red]{len(watcher.raised)} alarm[/red]" if watcher.raised else "0 alarms"
    attack = ", [red]an attack[/red]" if watcher.caught else ""
    return f"{len(watcher.windows)} windows, {alarms}, {len(watcher.flagged)} outliers{attack}"
