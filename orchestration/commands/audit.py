"""`tieout audit ...`: who decided and wrote what, whether the record is whole, and its evidence."""

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer

from orchestration.console import console, table
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.audit_pack.archive import verify_pack
from reconcilers.audit_pack.signing import SignOffRefusedError, sign_off
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
def verify(
    pack: Annotated[Path | None, typer.Argument(help="An auditor pack; else the audit.")] = None,
) -> None:
    """Recompute the hash chain of the audit, or of a pack; ends with 1 where a byte was changed."""
    if pack is not None:
        _verify_pack(pack)
        return
    with opened_state(load_settings()) as state:
        verdict = verify_audit(state)
    if not verdict.holds:
        out.print(f"[red]line {verdict.broken_at} {verdict.problem}[/]", soft_wrap=True)
        raise typer.Exit(1)
    out.print(f"{verdict.entries} lines, none changed; the last has {verdict.head_sha256}")


def _verify_pack(path: Path) -> None:
    if not path.is_file():
        out.print(f"[red]there is no file {path}[/]", soft_wrap=True)
        raise typer.Exit(1)
    verdict = verify_pack(path)
    if not verdict.holds:
        out.print(f"[red]{path.name}: {verdict.problem}[/]", soft_wrap=True)
        raise typer.Exit(1)
    from orchestration.audit_pack import is_known

    with opened_state(load_settings()) as state:
        known = is_known(state, verdict.sha256)
    if known is False:
        out.print(f"[red]the audit here tells of no pack with {verdict.sha256}[/]", soft_wrap=True)
        raise typer.Exit(1)
    where = "as the audit tells" if known else "no pack was made here to hold it against"
    out.print(f"{verdict.files} files, not a byte changed ({where}): {verdict.sha256}")


@app.command()
def pack(
    day: Annotated[dt.datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The night.")],
) -> None:
    """Write the evidence of a night as one archive that is read, and checked, without Tieout."""
    from orchestration.audit_pack import make_pack, pack_path

    settings = load_settings()
    try:
        made = make_pack(settings, day.date())
    except LookupError as error:
        out.print(f"[red]no pack[/]: {error}", soft_wrap=True)
        raise typer.Exit(1) from error
    out.print(
        f"{pack_path(settings, day.date())}: {made.files} files, sha256 {made.sha256}",
        soft_wrap=True,
    )


@app.command()
def sign(
    day: Annotated[dt.datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The night.")],
    role: Annotated[str, typer.Option("--as", help="preparer, then another person as reviewer.")],
    statement: Annotated[str, typer.Option(help="What was done, or what was looked at.")],
) -> None:
    """Sign a night as its preparer or reviewer; a later replay with other findings voids it."""
    settings = load_settings()
    with opened_state(settings) as state:
        try:
            made = sign_off(state, day.date(), role, statement, actor=settings.actor)
        except SignOffRefusedError as error:
            out.print(f"[red]not signed[/]: {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    out.print(f"{made.actor} signed {made.snapshot_date} as its {made.role}")
