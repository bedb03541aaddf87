"""`tieout golden ENTITY ID`: which value counts, who gave it, and who says otherwise."""

from decimal import Decimal
from typing import Annotated

import typer
from rich.table import Table

from orchestration.console import console, table
from orchestration.golden import KEYS, Candidate, Thing, find_things
from orchestration.settings import load_settings
from reconcilers.masking import masked

app = typer.Typer(add_completion=False)
out = console()


@app.command()
def golden(
    entity: Annotated[str, typer.Argument(help=f"What it is: {', '.join(KEYS)}.")],
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Its id in any system.")],
    *,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show names, e-mail addresses and tax ids.")
    ] = False,
) -> None:
    """Print the golden value of each attribute, its source, and the values that did not count."""
    if entity not in KEYS:
        raise typer.BadParameter(f"{entity!r} is not one of {', '.join(KEYS)}")
    things = find_things(load_settings(), entity, identifier)
    if not things:
        typer.echo(f"{identifier}: the warehouse knows no {entity} of this id.", err=True)
        raise typer.Exit(1)
    for thing in things:
        out.print(values_table(thing, unmask=unmask))
        contested = sum(attribute.is_contested for attribute in thing.attributes)
        out.print(f"{len(thing.attributes)} attributes, {contested} of them contested")


def values_table(thing: Thing, *, unmask: bool) -> Table:
    """One row per value; those of one attribute stand together, the one that counts first."""
    found = table(
        "attribute", "value", "held by", "changed (UTC)", "counts", "rule",
        title=f"{thing.entity} {thing.canonical_id}",
    )  # fmt: skip
    for attribute in thing.attributes:
        for place, one in enumerate(attribute.candidates):
            found.add_row(
                attribute.name if place == 0 else "",
                _shown(thing.entity, one, unmask=unmask),
                f"{one.role} {one.source_id}",
                str(one.modified_at or ""),
                f"{'golden' if one.is_golden else 'no'}: {one.because.replace('_', ' ')}",
                attribute.conflict_rule if place == 0 else "",
            )
    return found


def _shown(entity: str, one: Candidate, *, unmask: bool) -> str:
    """Amounts in units of their currency; what is personal masked. A product's name is not."""
    if one.currency and one.exponent is not None:
        return f"{Decimal(one.value).scaleb(-one.exponent):,f} {one.currency}"
    if unmask or entity != "customer":
        return one.value
    return masked(one.attribute, one.value)
