"""`tieout exceptions ...`: what is wrong, and its history."""

from typing import Annotated

import typer

from orchestration.console import console, money, table
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.state.views import list_exceptions, show_exception

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()


@app.command("list")
def list_(
    code: Annotated[str | None, typer.Option(help="Only this drift code.")] = None,
    state: Annotated[str, typer.Option(help="OPEN, RESOLVED_SELF, ..., or ALL.")] = "OPEN",
) -> None:
    """List exceptions, the gravest first."""
    states = () if state == "ALL" else (state,)
    with opened_state(load_settings()) as store:
        views = list_exceptions(store, states=states, code=code)
    found = table("key", "code", "state", "sev.", "age", "owner", "replica", "attribute", "impact")
    for view in views:
        found.add_row(
            view.exception_key[:12],
            view.code,
            view.label,
            view.severity,
            f"{view.age_days} d",
            f"{view.owner_system} {view.owner_id}",
            f"{view.replica_system or ''} {view.replica_id or ''}",
            view.attribute or "existence",
            money(view.impact_reporting_minor),
        )
    out.print(found)
    out.print(f"{len(views)} exceptions")


@app.command()
def show(
    key: Annotated[str, typer.Argument(help="The exception's key, or how it begins.")],
) -> None:
    """Show one exception: both sides, its state, what each night saw, what was done."""
    with opened_state(load_settings()) as store:
        try:
            detail = show_exception(store, key)
        except LookupError as error:
            raise typer.BadParameter(str(error)) from error
    view = detail.exception
    facts = {
        "key": view.exception_key,
        "code": f"{view.code} {view.cause or ''}",
        "state": f"{view.label}, opened {view.opened_on}, {view.age_days} days old",
        "owner": f"{view.owner_system} {view.owner_id}",
        "replica": f"{view.replica_system or 'none'} {view.replica_id or ''}",
        "attribute": view.attribute or "existence",
        "expected": view.expected or "",
        "observed": view.observed or "nothing",
        "thread": view.correlation_id or "",
    }
    for name, value in facts.items():
        out.print(f"[bold]{name:<10}[/] {value}", soft_wrap=True)
    nights = table("night", "disposition", "expected", "observed", "minor units", "currency")
    for seen in detail.observations:
        nights.add_row(
            str(seen.snapshot_date),
            seen.disposition,
            seen.expected or "",
            seen.observed or "",
            "" if seen.impact_minor is None else str(seen.impact_minor),
            seen.currency or "",
        )
    out.print(nights)
    for correction in detail.corrections:
        out.print(f"correction {correction.correction_id}: {correction.state}")
