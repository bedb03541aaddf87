"""`tieout exceptions ...`: what is wrong, its history, and what people say of it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from orchestration.console import console, money, table
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers import triage
from reconcilers.report.amounts import amount, value_of
from reconcilers.state.store import State
from reconcilers.state.views import list_exceptions, show_exception
from reconcilers.triage import Said, TriageRefusedError
from reconcilers.waivers import WaiverRefusedError

Keys = Annotated[list[str] | None, typer.Argument(help="Keys, or how they begin.")]
Code = Annotated[str | None, typer.Option(help="All open ones of this drift code.")]
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
    settings = load_settings()
    with opened_state(settings) as store:
        try:
            detail = show_exception(store, key)
        except LookupError as error:
            raise typer.BadParameter(str(error)) from error
        standing = triage.standings(store).get(detail.exception.exception_key)
    view = detail.exception
    exponents = settings.exponents()

    def read(value: str | None, currency: str | None) -> str:
        return value_of(view.code, view.attribute, value, currency, exponents)

    facts = {
        "key": view.exception_key,
        "code": f"{view.code} {view.cause or ''}",
        "state": f"{view.label}, opened {view.opened_on}, {view.age_days} days old",
        "owner": f"{view.owner_system} {view.owner_id}",
        "replica": f"{view.replica_system or 'none'} {view.replica_id or ''}",
        "attribute": view.attribute or "existence",
        "expected": read(view.expected, view.currency),
        "observed": read(view.observed, view.currency) or "nothing",
        "thread": view.correlation_id or "",
    }
    for name, value in facts.items():
        out.print(f"[bold]{name:<10}[/] {value}", soft_wrap=True)
    nights = table("night", "disposition", "expected", "observed", "impact")
    for seen in detail.observations:
        nights.add_row(
            str(seen.snapshot_date),
            seen.disposition,
            read(seen.expected, seen.currency),
            read(seen.observed, seen.currency),
            amount(seen.impact_minor, seen.currency or "", exponents),
        )
    out.print(nights)
    if standing is not None:
        out.print(f"assigned to {standing.assignee or 'nobody'}")
        for told in standing.comments:
            out.print(told, soft_wrap=True, markup=False)
        if standing.asked:
            asked = standing.asked
            out.print(f"{asked.by} asks for a waiver until {asked.expires_on}: {asked.reason}")
    for correction in detail.corrections:
        out.print(f"correction {correction.correction_id}: {correction.state}")


@app.command()
def assign(
    to: Annotated[str, typer.Option(help="Whose they are from now on.")],
    keys: Keys = None,
    code: Code = None,
) -> None:
    """Say whose exceptions are."""
    _say(keys, code, lambda session, said: triage.assign(session, said, to), f"assigned to {to}")


@app.command()
def comment(
    text: Annotated[str, typer.Option(help="What is known of them; no personal values.")],
    keys: Keys = None,
    code: Code = None,
) -> None:
    """Keep what is known of exceptions."""
    _say(keys, code, lambda session, said: triage.comment(session, said, text), "commented on")


@app.command()
def waive(
    until: Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="Its last day.")],
    reason: Annotated[str, typer.Option(help="Why it may stand.")],
    keys: Keys = None,
    code: Code = None,
) -> None:
    """Ask that exceptions may stand for a time; somebody else grants it (`grant`)."""
    _say(
        keys,
        code,
        lambda session, said: triage.ask_waiver(session, said, until.date(), reason),
        "asked for; somebody else grants it by `tieout exceptions grant`",
    )


@app.command()
def grant(keys: Keys = None, code: Code = None) -> None:
    """Grant waivers that somebody else asked for, within the money that is seen now."""
    _say(keys, code, triage.grant_waiver, "waived", only_asked=True)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="The CSV to write.")],
    code: Annotated[str | None, typer.Option(help="Only this drift code.")] = None,
) -> None:
    """Write open exceptions to a CSV, with columns for what is to be said of them."""
    from reconcilers.triage_csv import export_open

    with opened_state(load_settings()) as store:
        count = export_open(store, path, code)
    out.print(f"{count} exceptions written to {path}", soft_wrap=True)


@app.command()
def decide(
    path: Annotated[Path, typer.Argument(help="The CSV, with decisions filled in.")],
) -> None:
    """Take what an exported CSV says; of a file with mistakes nothing is taken."""
    from reconcilers.edited_csv import EditedFileError
    from reconcilers.triage_csv import take_words

    settings = load_settings()
    with opened_state(settings) as store:
        try:
            taken = take_words(store, path, settings.actor)
        except (EditedFileError, OSError) as error:
            out.print(f"[red]nothing taken[/]: {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    out.print(", ".join(f"{word} {count}" for word, count in sorted(taken.items())) or "no words")


def _say(
    keys: list[str] | None,
    code: str | None,
    say: Callable[[Session, Said], int],
    done: str,
    *,
    only_asked: bool = False,
) -> None:
    settings = load_settings()
    with opened_state(settings) as store:
        try:
            chosen = _chosen(store, keys, code, only_asked=only_asked)
            with store.begin() as session:
                count = say(session, Said(chosen, settings.actor))
        except (TriageRefusedError, WaiverRefusedError) as error:
            out.print(f"[red]not taken[/]: {error}", soft_wrap=True)
            raise typer.Exit(1) from error
    out.print(f"{count} exceptions {done}")


def _chosen(
    store: State, keys: list[str] | None, code: str | None, *, only_asked: bool
) -> tuple[str, ...]:
    if bool(keys) == bool(code):
        raise typer.BadParameter("name exceptions by key, or a code by --code")
    if code:
        asked = triage.standings(store) if only_asked else {}
        return tuple(
            view.exception_key
            for view in list_exceptions(store, states=("OPEN",), code=code)
            if not only_asked or (view.exception_key in asked and asked[view.exception_key].asked)
        )
    try:
        return tuple(show_exception(store, key).exception.exception_key for key in keys or ())
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error
