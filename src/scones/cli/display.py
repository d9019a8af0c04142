"""The output of a run: numbered steps with progress bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from scones.workflow.observer import Level, duration, silent
from scones.workflow.observer import Progress as Callback

STYLES = {Level.LOG: "dim", Level.DETAIL: "dim", Level.INFO: "", Level.WARNING: "yellow", Level.ERROR: "red"}


class Display:
    """Prints the steps of a run, as the observer of its pipeline; `verbose` includes log lines."""

    def __init__(self, console: Console, *, steps: int, verbose: bool) -> None:
        self.console = console
        self.verbose = verbose
        self._steps = steps
        self._step = 0
        self._live: Progress | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print a step's number and title, and its duration at the end."""
        self._step += 1
        number = f"{self._step}/{self._steps}"
        self.console.print(f"[bold cyan]{number}[/]  [bold]{escape(title)}[/]")
        began = time.monotonic()
        yield
        self.console.print(f"     [dim]done in {duration(time.monotonic() - began)}[/]")

    def print_line(self, text: str, style: str = "") -> None:
        """Print one line below the step."""
        self.console.print(f"     {text}", style=style or None, markup=False, highlight=False, soft_wrap=True)

    def message(self, text: str, level: Level = Level.INFO) -> None:
        """Print a message; log lines only if `verbose` is set."""
        if level != Level.LOG or self.verbose:
            self.print_line(text, STYLES[level])

    @contextmanager
    def progress(self, what: str, *, transfer: bool = False) -> Iterator[Callback]:
        """Yield a callback that draws a bar with the time left and a transfer's rate, or nothing without a terminal."""
        if not self.console.is_terminal:
            yield silent
            return
        columns: list[ProgressColumn] = [
            TextColumn("    "),
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
        ]
        columns += [DownloadColumn(), TransferSpeedColumn()] if transfer else [MofNCompleteColumn()]
        columns += [TimeRemainingColumn(), TextColumn("left")]
        with Progress(*columns, console=self.console, transient=True) as bars:
            task = bars.add_task(what, total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)

    def table(self, title: str, rows: list[tuple[str, str]]) -> None:
        """Print facts as a table of two columns. Without a terminal, print lines, so that nothing is cut or wrapped."""
        if not self.console.is_terminal:
            self.console.print(title)
            for name, value in rows:
                self.console.print(f"  {name + ':':<24}{value}", markup=False, highlight=False, soft_wrap=True)
            return
        table = Table(title=title, title_justify="left", show_header=False, title_style="bold")
        table.add_column(style="cyan", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, escape(value))
        self.console.print(table)
