"""`tieout state ...`: what must survive when everything else is built again."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.console import console
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.state.backup import BackupError, restore_backup, write_backup

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()

File = Annotated[Path, typer.Argument(help="The backup, a zip file.")]


@app.command()
def backup(path: File) -> None:
    """Copy the state store, as of one moment, into one file; nights and dispatch may go on."""
    with opened_state(load_settings()) as state:
        made = write_backup(state, path)
    out.print(f"{sum(made.rows.values())} rows written to {path}", soft_wrap=True)


@app.command()
def restore(path: File) -> None:
    """Fill an empty state store from a backup, also on another kind of database."""
    settings = load_settings()
    with opened_state(settings) as state:
        try:
            verdict = restore_backup(state, path, settings.actor)
        except BackupError as error:
            out.print(f"[red]nothing restored[/]: {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    out.print(f"restored; the audit is whole, {verdict.entries} lines")
