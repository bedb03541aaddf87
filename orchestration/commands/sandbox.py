"""`tieout sandbox ...`: the practice company."""

from pathlib import Path
from typing import Annotated

import typer

from extractors.sandbox import control
from extractors.sandbox.servers import SYSTEMS
from orchestration.console import console, table
from orchestration.settings import load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()


@app.command()
def up(
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 7,
    customers: Annotated[int, typer.Option(help="How large a company to build.")] = 300,
) -> None:
    """Build the company if there is none yet, and serve its three systems."""
    connections = control.up(load_settings().sandbox_dir, seed=seed, customers=customers)
    for system in SYSTEMS:
        out.print(f"{system}: {connections[system]['base_url']}")


@app.command()
def down() -> None:
    """Stop serving; the company stays on disk."""
    control.down(load_settings().sandbox_dir)


@app.command()
def status() -> None:
    """Whether the sandbox is up, its clock, and how many records it holds."""
    state = control.status(load_settings().sandbox_dir)
    out.print(f"{'up' if state.running else 'down'}, clock {state.now:%Y-%m-%d %H:%M} UTC")
    for name, count in state.counts.items():
        out.print(f"  {name}: {count}")


@app.command()
def advance(
    days: Annotated[int, typer.Option(help="How many days the company lives on.")] = 1,
) -> None:
    """Move the clock: the company sells, bills, collects and posts."""
    out.print(f"clock {control.advance(load_settings().sandbox_dir, days):%Y-%m-%d %H:%M} UTC")


@app.command()
def plant(
    code: Annotated[str, typer.Argument(help="A drift code, such as INV-MISS-01.")],
    count: Annotated[int, typer.Option(help="How many.")] = 1,
    seed: Annotated[int, typer.Option(help="Which records are hit.")] = 1,
) -> None:
    """Plant drift of one code, and write down the truth of it."""
    try:
        rows = control.plant(load_settings().sandbox_dir, code, count, seed=seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    out.print(f"{code}: {count} planted, {len(rows)} drifts follow from it")


@app.command()
def truth() -> None:
    """List every drift that was planted."""
    found = table("code", "attribute", "owner", "replica", "planted", "variant")
    for row in control.truth(load_settings().sandbox_dir):
        found.add_row(
            row["code"],
            row["attribute"],
            f"{row['owner_system']} {row['owner_id']}",
            f"{row['replica_system'] or ''} {row['replica_id'] or ''}",
            "yes" if row["planted"] else "follows",
            row["variant"],
        )
    out.print(found)


@app.command()
def world(
    raw: Annotated[Path, typer.Option(help="A raw zone to be made: a folder that is empty yet.")],
    customers: Annotated[int, typer.Option(help="How many customers, at least.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Same seed, same world.")] = 7,
    plant: Annotated[
        list[str] | None,
        typer.Option(help="CODE=K in each copy; none: start from nothing planted."),
    ] = None,
) -> None:
    """Write a company of any size into a raw zone, with the truth of its drift beside it.

    Nights read it as any other: TIEOUT_HOME is the folder that `raw` lies in.
    """
    from orchestration.evaluate import EvaluationError, parse_plants
    from orchestration.worlds.world import PLANTED, WorldError, write_world

    try:
        written = write_world(
            load_settings(), raw, customers, seed, parse_plants(plant or [], PLANTED)
        )
    except (WorldError, EvaluationError) as error:
        raise typer.BadParameter(str(error)) from error
    out.print(
        f"{raw}: {written.day}, one company {written.copies:,} times, {written.records:,} records, "
        f"{written.drifts:,} drifts",
        soft_wrap=True,
    )


@app.command()
def faults(
    profile: Annotated[str, typer.Argument(help="Such as resets, or resets+latency; chaos; off.")],
    system: Annotated[list[str] | None, typer.Option(help="All unless named.")] = None,
    seed: Annotated[int, typer.Option(help="Which requests are hit.")] = 1,
) -> None:
    """Let the wire misbehave from the next request on, or no longer."""
    chosen = [each for each in SYSTEMS if system is None or each in system]
    if len(chosen) < len(system or ()):
        raise typer.BadParameter(f"the systems are {', '.join(SYSTEMS)}")
    try:
        control.set_faults(load_settings().sandbox_dir, profile, chosen, seed)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    out.print(f"{', '.join(chosen)}: {profile}")
