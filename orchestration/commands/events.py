"""`tieout events ...`: what happened in the business, and who was told."""

import asyncio
import datetime as dt
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from extractors.errors import SourceError
from orchestration.console import console, table
from orchestration.events import refused_events, replay_events, send_events
from orchestration.exports import publish_file
from orchestration.settings import load_settings
from reconcilers.events.log import EventLog
from reconcilers.events.publish import export_day, read_events
from reconcilers.events.sink import CursorLost, Delivered

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()


@app.command("list")
def list_(
    day: Annotated[
        str | None, typer.Option(help="Only what this night was the first to see.")
    ] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only this type.")] = None,
    thread: Annotated[str | None, typer.Option(help="Only this correlation id.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the last ones.")] = 50,
) -> None:
    """List business events in the order of the log."""
    wanted = {"detected_date": _day(day), "event_type": kind, "correlation_id": thread}
    found = [event for event in _events() if _matches(event, wanted)]
    shown = table("event", "no.", "occurred (UTC)", "seen", "type", "record", "amount", "thread")
    for event in found[-limit:]:
        shown.add_row(
            event["event_id"][:12],
            str(event["sequence"]),
            f"{event['occurred_at']:%Y-%m-%d %H:%M:%S}",
            str(event["detected_date"]),
            event["event_type"],
            f"{event['system']} {event['source_id']}",
            _amount(event),
            event["correlation_id"] or "",
        )
    out.print(shown)
    out.print(f"{len(found)} events, {min(limit, len(found))} shown")


@app.command()
def show(
    event_id: Annotated[str, typer.Argument(help="The event's id, or how it begins.")],
) -> None:
    """Show one event as the CloudEvent that is published."""
    found = [event for event in _events() if event["event_id"].startswith(event_id)]
    if len(found) != 1:
        raise typer.BadParameter(f"{len(found)} events of the log have an id like {event_id!r}")
    out.print_json(found[0]["cloud_event"])


@app.command()
def publish(
    day: Annotated[str | None, typer.Option(help="Only this night's file; else all.")] = None,
    *,
    again: Annotated[
        bool, typer.Option("--again", help="Send the whole log, whatever was taken before.")
    ] = False,
) -> None:
    """Write the files of CloudEvents again, and send the receiver what it lacks."""
    settings = load_settings()
    log = EventLog(settings.event_log_dir)
    chosen = _day(day)
    for one in log.days() if chosen is None else [chosen]:
        path, count = export_day(log, settings.event_exports_dir, one)
        publish_file(settings, path)
        out.print(f"{path}: {count} events", soft_wrap=True)
    if settings.events_url is None:
        out.print("TIEOUT_EVENTS_URL is not set: nothing was sent.")
        return
    _tell(send_events(settings, again=again))


@app.command()
def refused() -> None:
    """List what the receiver refused and has not taken since, with its reason."""
    letters = refused_events(load_settings())
    shown = table("event", "no.", "refused (UTC)", "status", "reason", "receiver")
    for one in letters:
        shown.add_row(
            one.event_id[:12],
            str(one.sequence),
            f"{one.refused_at:%Y-%m-%d %H:%M:%S}",
            str(one.status or ""),
            one.reason,
            one.sink,
        )
    out.print(shown)
    out.print(f"{len(letters)} events are refused")


@app.command()
def replay(
    event_id: Annotated[
        str, typer.Argument(help="The event's id, or how it begins; else all.")
    ] = "",
) -> None:
    """Send again what the receiver refused."""
    settings = load_settings()
    if settings.events_url is None:
        raise typer.BadParameter("TIEOUT_EVENTS_URL is not set: there is no receiver")
    _tell(replay_events(settings, event_id))


def _tell(sending: Coroutine[Any, Any, Delivered]) -> None:
    """Send, and say what became of it; exit 1 unless the receiver took all."""
    try:
        delivered = asyncio.run(sending)
    except (SourceError, CursorLost) as error:
        out.print(f"[red]not all was sent[/] {error}", soft_wrap=True)
        raise typer.Exit(1) from error
    out.print(f"{delivered.events} events were sent")
    if delivered.refused:
        out.print(f"[red]{delivered.refused} were refused[/]: `tieout events refused` lists them")
        raise typer.Exit(1)


def _events() -> Any:
    return read_events(EventLog(load_settings().event_log_dir))


def _matches(event: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(value is None or event[name] == value for name, value in wanted.items())


def _amount(event: dict[str, Any]) -> str:
    minor = event["amount_minor"]
    return "" if minor is None else f"{minor} {event['currency']} (minor)"


def _day(text: str | None) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a day; write it as 2026-06-30") from error
