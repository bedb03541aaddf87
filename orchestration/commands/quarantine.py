"""`tieout quarantine ...`: records that broke their contract, and what became of them."""

from typing import Annotated

import typer

from orchestration.console import console, table
from orchestration.settings import load_settings
from reconcilers.engine import open_warehouse

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()

System = Annotated[str | None, typer.Option(help="Only this system, such as stripe.")]


@app.command("list")
def list_(
    system: System = None,
    *,
    payloads: Annotated[bool, typer.Option("--payloads", help="Print the records too.")] = False,
) -> None:
    """List the records that are held back as of the last night, with the reason for each."""
    settings = load_settings()
    with open_warehouse(settings.warehouse_path, memory_limit=settings.memory_limit) as con:
        rows = con.sql(
            "select system, object, snapshot_date, key, field, reason, payload "
            "from raw.open_quarantine where coalesce(?, system) = system order by all",
            params=[system],
        ).fetchall()
    found = table("key", "system", "object", "since", "field", "reason")
    for name, kind, day, key, field, reason, payload in rows:
        found.add_row(key or "(none)", name, kind, str(day), field, reason)
        if payloads:
            out.print(payload, markup=False, soft_wrap=True)
    out.print(found)
    out.print(f"{len(rows)} records are held back")


@app.command()
def retry(system: System = None) -> None:
    """Check every held-back record again, after its contract was mended; good ones land.

    A record that was mended at its source needs nothing: the next night reads it again.
    """
    from extractors.quarantine import retry_quarantine
    from extractors.raw_zone import RawZone
    from extractors.registry import READ
    from orchestration.extraction import mirrored
    from orchestration.resources import night_lock

    settings = load_settings()
    chosen = {name: objects for name, objects in READ.items() if system in {None, name}}
    with night_lock(settings) as night, mirrored(settings, *chosen):
        results = list(retry_quarantine(RawZone(night.settings.raw_dir), chosen))
    found = table("object", "system", "day", "landed now", "still held back", "because")
    for one in results:
        found.add_row(
            one.object,
            one.system,
            str(one.snapshot_date),
            str(one.reingested),
            str(one.still_broken),
            one.example,
        )
    out.print(found)
    landed = sum(one.reingested for one in results)
    out.print(f"{landed} records landed, {sum(one.still_broken for one in results)} are held back")
    if landed:
        first = min(one.snapshot_date for one in results if one.reingested)
        out.print(f"`tieout backfill --from {first} --to ...` reconciles those days again.")
