"""The `tieout` command: what people do by hand. Each command is a thin call into a room.

Commands import what they need when they run, so that `tieout --help` does not wait for Dagster.
"""

import datetime as dt
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from orchestration.commands.room import Room
from orchestration.console import console

if TYPE_CHECKING:
    from orchestration.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
ROOMS = {
    "exceptions": "What is wrong, how old it is, whose it is.",
    "corrections": "What to do about it: approve, dispatch.",
    "audit": "Who decided and wrote what, and whether the record of it is whole.",
    "state": "Back up the state store, and restore it.",
    "events": "What happened in the business, and who was told.",
    "quarantine": "Records that broke their contract.",
    "identity": "Who is the same customer: questions, model.",
    "evaluate": "Measure against labelled truth.",
    "sandbox": "A CRM, a billing system and an ERP on loopback.",
    "bench": "What a night takes on this machine.",
    "golden": "Print the golden value of each attribute, its source, and what did not count.",
    "whatif": "Replay stored nights under changed rules; show what appears, vanishes or changes.",
}
for name, words in ROOMS.items():
    app.add_typer(typer.Typer(), name=name, help=words, cls=Room)

out = console()
err = Console(stderr=True)


def day_of(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day; write it as 2026-06-30") from error


Day = Annotated[str | None, typer.Argument(help="The day, as 2026-06-30. Left out: yesterday.")]


def _settings() -> "Settings":
    from orchestration.settings import load_settings

    return load_settings()


def _default_day(settings: "Settings", system: str | None = None) -> dt.date:
    """Yesterday, by the sandbox's clock where the sandbox is meant."""
    if settings.uses_sandbox and system not in settings.connections_override:
        from orchestration.sending import business_clock

        return (business_clock(settings)() - dt.timedelta(days=1)).date()
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)


@app.callback()
def observed() -> None:
    """Finds every drift between CRM, billing and ERP, proves it, and puts it right."""
    from orchestration.environment import environment
    from orchestration.logs import start_logging
    from orchestration.tracing import start_tracing

    start_logging(environment())
    start_tracing(environment())


@app.command()
def nightly(day: Day = None) -> None:
    """Reconcile one day: extract, build, compare, plan corrections, report."""
    settings = _settings()
    chosen = day_of(day) if day else _default_day(settings)
    # Dagster is imported for a day that there is: a mistake is told at once.
    from orchestration.night import run_night
    from orchestration.screen import night_summary, watching

    with watching(out, f"Night of {' '.join(filter(None, (settings.company, str(chosen))))}"):
        result = run_night(settings, chosen)
    night_summary(out, settings, result)
    raise typer.Exit(0 if result.ok else 1)


@app.command()
def extract(
    system: Annotated[str, typer.Argument(help="A system that is connected, such as stripe.")],
    day: Annotated[str | None, typer.Option(help="The day, as 2026-06-30; else yesterday.")] = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, whatever the cursors say.")
    ] = False,
) -> None:
    """Read one system into the raw zone, without reconciling. An interrupted read goes on."""
    from extractors.errors import SourceError
    from extractors.systems import SYSTEMS
    from orchestration.extraction import read_system
    from orchestration.resources import night_lock
    from orchestration.screen import extraction_table

    if system not in SYSTEMS:
        raise typer.BadParameter(f"{system!r} is not one of {', '.join(SYSTEMS)}")
    settings = _settings()
    chosen = day_of(day) if day else _default_day(settings, system)
    with night_lock(settings):
        try:
            extraction = read_system(settings, system, chosen, full=full)
        except SourceError as error:
            err.print(str(error), soft_wrap=True)
            raise typer.Exit(1) from error
    out.print(extraction_table(extraction, f"{system}, {chosen}"))
    for message in extraction.schema_drift:
        out.print(f"[yellow]schema drift[/] {message}", soft_wrap=True)


@app.command()
def backfill(
    first: Annotated[str, typer.Option("--from", help="First day.")],
    last: Annotated[str, typer.Option("--to", help="Last day, included.")],
) -> None:
    """Reconcile a range of days in order; days already extracted are replayed from the raw zone."""
    from orchestration.night import run_backfill
    from orchestration.screen import night_line, watching

    settings = _settings()
    ok = True
    with watching(out, f"Backfill {first} to {last}"):
        for result in run_backfill(settings, day_of(first), day_of(last)):
            night_line(out, settings, result)
            ok = ok and result.ok
    raise typer.Exit(0 if ok else 1)


@app.command()
def report(
    day: Day = None,
    *,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the page as PDF, too.")] = False,
) -> None:
    """Write the report, the CSV and the summary of a night again, from what is stored."""
    from orchestration.night_report import write_night_report
    from orchestration.pdf import print_pdf

    settings = _settings()
    files = write_night_report(settings, day_of(day) if day else _default_day(settings))
    for name, path in asdict(files).items():
        out.print(f"{name}: {path}", soft_wrap=True)
    if pdf:
        path = print_pdf(files.html, files.html.with_suffix(".pdf"), settings.browser)
        out.print(f"pdf: {path}", soft_wrap=True)


@app.command()
def kpis(
    day: Annotated[str | None, typer.Option(help="A night, as 2026-06-30; else the last.")] = None,
    history: Annotated[int, typer.Option(min=1, help="How many nights to look back.")] = 30,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only, every member.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV only, every member.")] = False,
) -> None:
    """Print the key figures of a night, what changed, and how they went (docs/kpis.md)."""
    from orchestration.commands.kpis import show

    chosen = day_of(day) if day else dt.date.max
    show(_settings(), chosen, history, "json" if as_json else "csv" if as_csv else "table")


@app.command()
def alerts(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is news.")] = False,
) -> None:
    """Tell what people have to hear of at once: by channel, each thing once; a missed night too."""
    from orchestration import alerting
    from orchestration.sending import business_clock
    from orchestration.stores import opened_state

    settings = _settings()
    now = business_clock(settings)()
    if dry_run:
        with opened_state(settings) as state:
            found = alerting.news(settings, state, now)
        for alert in found:
            out.print(f"[bold]{alert.channel}[/] {alert.title}", *alert.lines, sep="\n  ")
        out.print(f"{len(found)} alerts")
        return
    done = alerting.tell(settings, now)
    out.print(f"{len(done.told)} alerts told, {len(done.lost)} not taken")
    for alert in done.unaddressed:
        out.print(f"no address for {alert.channel} (TIEOUT_ALERTS): {alert.title}", soft_wrap=True)
    raise typer.Exit(1 if done.lost else 0)


@app.command()
def trace(
    identifier: Annotated[str, typer.Argument(help="An id of any system, or a canonical one.")],
    html: Annotated[Path | None, typer.Option(help="Write the same as a page, here.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Fold nothing.")] = False,
) -> None:
    """Print the commercial thread of a record both ways, from opportunity to journal line."""
    from orchestration.trace import find_thread, trace_trees
    from reconcilers.trace.html import render_trace
    from reconcilers.trace.plain import as_dict

    found, exponents = find_thread(_settings(), identifier)
    if not found.candidates:
        err.print(f"{identifier}: no record of the warehouse has this id.")
        raise typer.Exit(1)
    if html is not None:
        html.write_text(render_trace(found, exponents), encoding="utf-8")
    if as_json:
        out.print_json(data=as_dict(found))
    elif not found.threads:
        out.print(f"{identifier} means records of different threads; ask for one of them:")
        for node in found.candidates:
            out.print(f"  {node.key}  {node.label or ''}", soft_wrap=True, highlight=False)
        raise typer.Exit(1)
    else:
        for thread, tree in zip(
            found.threads, trace_trees(found, exponents, fold=not every), strict=True
        ):
            out.print(f"[bold]{thread.name}[/]", highlight=False)
            out.print(tree, soft_wrap=True)
        if found.more_threads:
            out.print(f"... and {found.more_threads} more threads that share {identifier}")


@app.command()
def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Check machine, files, connections and the known traps of each vendor.

    Writes to no system; the state store is brought up to this version, so back it up before.
    Each finding says what to do. Ends with 1 if there is an error; warnings alone end with 0.
    """
    from orchestration.doctor import as_json as told
    from orchestration.doctor import examine
    from orchestration.screen_doctor import show_findings

    if as_json:
        found = told(examine(_settings()))
        out.print_json(data=found)
        raise typer.Exit(0 if found["healthy"] else 1)
    raise typer.Exit(0 if show_findings(out, examine(_settings())) else 1)


@app.command()
def init(
    env_file: Annotated[Path | None, typer.Option(help="Where to write; else .env here.")] = None,
    config: Annotated[Path | None, typer.Option(help="Folder of the files to edit.")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of what runs produce.")] = None,
    *,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Ask nothing: the environment's values count.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a .env that is there.")] = False,
    check: Annotated[bool | None, typer.Option(help="Look at every connection at once.")] = None,
) -> None:
    """Write .env and the files that a company edits; ask what they need. Secrets are not shown."""
    from orchestration.commands.init import init as begin

    ok = begin(env_file, config, home, defaults=defaults, force=force, check=check)
    raise typer.Exit(0 if ok else 1)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="The world's seed.")] = 7,
    customers: Annotated[int, typer.Option(help="How large a company.")] = 300,
) -> None:
    """Show the whole job on the sandbox: two nights, with corrections between them."""
    from orchestration.demo import run_demo

    raise typer.Exit(0 if run_demo(_settings(), out, seed=seed, customers=customers) else 1)


@app.command()
def review(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    url: Annotated[
        str | None, typer.Option(help="As what other machines reach it: https://...")
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option("--as", help="Who works with it (repeatable); else you.")
    ] = None,
) -> None:
    """Work the exceptions and the approvals in a browser, on this machine alone unless told."""
    from orchestration.review.serve import serve

    serve(_settings(), host=host, port=port, url=url, people=person or [])


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open the Dagster UI with its daemon (schedules and backfills run while it is up)."""
    import os

    from orchestration.night import dagster_home
    from orchestration.settings import load_deployment

    dagster_home(load_deployment())
    dagster = str(Path(sys.executable).with_name("dagster"))
    arguments = ["dev", "-m", "orchestration.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.execv(dagster, [dagster, *arguments])  # noqa: S606


def main() -> None:
    """Run the command line; a mistake that a person can mend is a message, not a stack trace."""
    try:
        app()
    except Exception as error:
        advice = _advice(error)
        if advice is None:
            raise
        err.print(advice, soft_wrap=True)
        sys.exit(2)


def _advice(error: Exception) -> str | None:
    """What a person is told of a mistake; None when it is none of theirs."""
    import duckdb

    from extractors.sandbox.control import SandboxError
    from orchestration.company_files import CompanyFilesError
    from orchestration.env_file import EnvFileError
    from orchestration.pdf import NoBrowserError
    from orchestration.settings import SettingsError
    from reconcilers.corrections.policy import PolicyError
    from reconcilers.edited_csv import EditedFileError
    from reconcilers.engine import WarehouseBuiltForAnotherDay

    known = SettingsError | SandboxError | EditedFileError | PolicyError
    if isinstance(error, known | CompanyFilesError | NoBrowserError | EnvFileError):
        return str(error)
    if isinstance(error, WarehouseBuiltForAnotherDay | LookupError):
        return f"{error} `tieout nightly DAY` replays a day."
    if isinstance(error, duckdb.IOException):
        return f"the warehouse cannot be opened: {error}. Run a night first; while one runs, wait."
    return None
