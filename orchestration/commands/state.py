"""`tieout state ...`: what must survive when everything else is built again."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.console import console
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.retention import RetentionRefusedError, preview_prune
from reconcilers.retention import prune as let_go
from reconcilers.state.backup import BackupError, restore_backup, write_backup

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()

File = Annotated[Path, typer.Argument(help="The backup, a zip file.")]


@app.command()
def backup(path: File) -> None:
    """Copy the state store, as of one moment, into one file; nights and dispatch may go on."""
    settings = load_settings()
    with opened_state(settings) as state:
        made = write_backup(state, path, company=settings.company)
    out.print(f"{sum(made.rows.values())} rows written to {path}", soft_wrap=True)


@app.command()
def restore(path: File) -> None:
    """Fill an empty state store from a backup, also on another kind of database."""
    settings = load_settings()
    with opened_state(settings) as state:
        try:
            verdict = restore_backup(state, path, settings.actor, company=settings.company)
        except BackupError as error:
            out.print(f"[red]nothing restored[/]: {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    out.print(f"restored; the audit is whole, {verdict.entries} lines")


@app.command()
def prune(
    older_than: Annotated[
        int, typer.Option("--older-than", metavar="DAYS", help="Days before the newest night.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown.")] = False,
) -> None:
    """Let go of what was over long ago: closed exceptions with their nights and corrections.

    The audit stays whole, and so does what is open or bounds what may be sent.
    """
    settings = load_settings()
    with opened_state(settings) as state:
        try:
            gone = (
                let_go(state, older_than, settings.actor)
                if yes
                else preview_prune(state, older_than)
            )
        except RetentionRefusedError as error:
            out.print(f"[red]nothing let go[/]: {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    if gone.before is None:
        out.print("no night is recorded")
        return
    told = ", ".join(f"{name} {rows}" for name, rows in gone.rows.items())
    out.print(f"{'let go' if yes else 'would go'}, before {gone.before}: {told}", soft_wrap=True)
    if not yes:
        out.print("nothing was changed; `--yes` does it. Take a backup first.", soft_wrap=True)
