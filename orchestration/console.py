"""The console that every command prints to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import typer
from rich.console import Console
from rich.table import Table

# Piped or logged, tables get the width of a wide terminal instead of 80 columns.
WIDTH_WITHOUT_TERMINAL = 160


def console() -> Console:
    """Bound to the real stdout: a night sends what dbt prints elsewhere."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)


@contextmanager
def mistakes_told(*kinds: type[Exception]) -> Iterator[None]:
    """What of these kinds is raised inside is said on stderr, and ends the command with 2."""
    try:
        yield
    except kinds as error:
        Console(stderr=True).print(str(error), soft_wrap=True)
        raise typer.Exit(2) from error


def table(identifier: str, *columns: str, title: str | None = None) -> Table:
    """A table whose first column is an id that people copy: it is never cut."""
    made = Table(title=title)
    made.add_column(identifier, no_wrap=True)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def money(minor: int | None) -> str:
    """Minor units of a reporting currency with two decimals, as people write them."""
    return "" if minor is None else f"{Decimal(int(minor)).scaleb(-2):,.2f}"
