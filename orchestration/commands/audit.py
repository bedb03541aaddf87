"""`tieout audit ...`: who decided and wrote what, and whether the record of it is whole."""

import json
from typing import Annotated

import typer

from orchestration.console import console, table
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.state.audit import verify_audit
from reconcilers.state.views import list_audit

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()


@app.command("list")
def list_(last: Annotated[int, typer.Option(help="How many of the newest lines.")] = 50) -> None:
    """List the newest lines of the audit, the oldest of them first."""
    with opened_state(load_settings()) as state:
        lines = list_audit(state, last=last)
    found = table("line", "at (UTC)", "who", "did", "to", "more", "hash")
    for line in lines:
        found.add_row(
            str(line.sequence),
            f"{line.at:%Y-%m-%d %H:%M:%S}",
            line.actor,
            line.action,
            line.subject,
            json.dumps(line.body, ensure_ascii=False),
            line.sha256[:12],
        )
    out.print(found)


@app.command()
def verify() -> None:
    """Recompute the hash chain of the audit; ends with 1 where a line was changed or is gone."""
    with opened_state(load_settings()) as state:
        verdict = verify_audit(state)
    if not verdict.holds:
        out.print(f"[red]line {verdict.broken_at} {verdict.problem}[/]", soft_wrap=True)
        raise typer.Exit(1)
    out.print(f"{verdict.entries} lines, none changed; the last has {verdict.head_sha256}")
