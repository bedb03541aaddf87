"""`tieout corrections ...`: look, decide, send."""

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from orchestration.console import console, money, table
from orchestration.settings import load_settings
from orchestration.stores import opened_state
from reconcilers.corrections import approval, brakes
from reconcilers.corrections.approval import ApprovalRefusedError, Decision
from reconcilers.corrections.brakes import HaltRefusedError
from reconcilers.corrections.states import WrongStateError
from reconcilers.sealing import veiled
from reconcilers.state.store import State
from reconcilers.state.views import list_corrections, show_correction

app = typer.Typer(no_args_is_help=True, add_completion=False)
out = console()

LONGEST_CELL = 40

Ids = Annotated[list[str] | None, typer.Argument(help="Correction ids, or how they begin.")]
Code = Annotated[str | None, typer.Option(help="All waiting corrections of this drift code.")]
Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"])]
Comment = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]


@app.command("list")
def list_(
    code: Annotated[str | None, typer.Option(help="Only this drift code.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state, such as proposed.")] = None,
    system: Annotated[str | None, typer.Option(help="Only this target.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only what these people decide on.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only this severity, such as S1.")] = None,
) -> None:
    """List corrections and how far each has come."""
    with opened_state(load_settings()) as store:
        records = list_corrections(
            store,
            states=(state,) if state else (),
            code=code,
            system=system,
            assignee=assignee,
            severity=severity,
        )
    found = table("id", "code", "mode", "state", "target", "record", "before", "after", "impact")
    for item in records:
        found.add_row(
            item.correction_id,
            item.code,
            item.mode,
            item.state,
            f"{item.system} {item.object}",
            item.record_id,
            _short(veiled(item.before)),
            _short(veiled(item.after)),
            money(item.impact_reporting_minor),
        )
    out.print(found)
    out.print(f"{len(records)} corrections")


@app.command()
def show(
    correction: Annotated[str, typer.Argument(help="The correction's id, or how it begins.")],
) -> None:
    """Show one correction: what changes, why, who decided, and each attempt."""
    with opened_state(load_settings()) as store:
        try:
            detail = show_correction(store, correction)
        except LookupError as error:
            raise typer.BadParameter(str(error)) from error
    item = detail.correction
    out.print(f"[bold]{item.correction_id}[/] {item.code} {item.cause or ''}: {item.reason}")
    out.print(f"state {item.state} ({item.state_reason or 'no remark'}), mode {item.mode}")
    out.print(f"target {item.system} {item.object} {item.record_id}, {item.operation}")
    images = {"before": item.before, "after": item.after, "payload": item.payload}
    out.print_json(data=veiled(images))
    for refusal in item.refusals:
        out.print(f"[red]refused[/] {json.dumps(dict(refusal))}", soft_wrap=True)
    for word in detail.approvals:
        out.print(
            f"{word.decision} by {word.actor}, {word.decided_at:%Y-%m-%d %H:%M}: {word.comment}"
        )
    for attempt in detail.attempts:
        out.print(
            f"attempt {attempt.number} ({attempt.kind}) {attempt.started_at:%Y-%m-%d %H:%M}: "
            f"{attempt.outcome or 'no answer yet'}"
        )


@app.command()
def diff(
    ids: Ids = None,
    code: Annotated[str | None, typer.Option(help="Only this drift code.")] = None,
    *,
    live: Annotated[bool, typer.Option("--live", help="Look at the targets too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
) -> None:
    """Show what would change if it were sent, field by field, and the tie-outs after it.

    Of those named, or of all that is not sent yet. Writes nothing; --live only reads.
    """
    from orchestration import dry_run

    settings = load_settings()
    with opened_state(settings) as store:
        ids = _full_ids(store, ids)
        found = asyncio.run(dry_run.dry_run(settings, store, ids, code, live=live))
    if as_json:
        out.print_json(data=dry_run.as_json(found))
        return
    for part in dry_run.as_text(found):
        out.print(part, soft_wrap=isinstance(part, str), markup=False, highlight=False)


@app.command()
def approve(ids: Ids = None, code: Code = None, comment: Comment = "") -> None:
    """Say yes to corrections that wait for a person: by id, or all of a code."""
    _decide(approval.approve, ids, code, comment)


@app.command()
def reject(ids: Ids = None, code: Code = None, comment: Comment = "") -> None:
    """Say no; needs a comment."""
    _decide(approval.reject, ids, code, comment)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(help="The CSV to write.")],
) -> None:
    """Write all corrections that wait for a person to a CSV, with a column for the decision."""
    from reconcilers.corrections.decision_csv import export_waiting

    with opened_state(load_settings()) as store:
        count = export_waiting(store, path)
    out.print(f"{count} corrections written to {path}", soft_wrap=True)


@app.command()
def decide(
    path: Annotated[Path, typer.Argument(help="The CSV, with approve or reject filled in.")],
) -> None:
    """Take the decisions of an exported CSV, all of them or none."""
    from reconcilers.corrections.decision_csv import take_decisions

    settings = load_settings()
    with opened_state(settings) as store:
        done = take_decisions(store, path, settings.actor)
    _say(done.decisions)
    out.print(f"{len(done.decisions)} decisions taken, {done.blank} still to decide")


@app.command("dispatch")
def dispatch_() -> None:
    """Send the approved corrections to their source systems."""
    from orchestration.sending import send

    settings = load_settings()
    with opened_state(settings) as store:
        summary = asyncio.run(send(settings, store))
    for outcome, count in summary.outcomes.items():
        out.print(f"{outcome}: {count}")
    for system, reason in summary.stopped.items():
        out.print(f"[red]{system}: nothing more is sent[/]: {reason}", soft_wrap=True)
    if not summary.outcomes and not summary.stopped:
        out.print("nothing was waiting to be sent")
    raise typer.Exit(1 if summary.stopped else 0)


@app.command()
def compensate(
    ids: Ids = None,
    comment: Comment = "",
    on: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of journals whose own month is closed."),
    ] = None,
) -> None:
    """Propose the undo of corrections that a target took; somebody else approves it."""
    from reconcilers.corrections import compensate as undoing

    settings = load_settings()
    with opened_state(settings) as store:
        try:
            undos = undoing.compensate(
                store, _full_ids(store, ids), settings.actor, comment, on=on and on.date()
            )
        except undoing.CompensationRefusedError as error:
            raise typer.BadParameter(str(error)) from error
    if not undos:
        raise typer.BadParameter("name corrections by id")
    for undo in undos:
        out.print(f"{undo.correction_id} undoes {undo.undoes}: {undo.target} {undo.record_id}")
        out.print_json(data=veiled(undo.payload))


@app.command()
def halt(reason: Annotated[str, typer.Option(help="Why; it is kept, and shown to all.")]) -> None:
    """Let nothing be sent from the next call on, until `resume`."""
    settings = load_settings()
    with opened_state(settings) as store:
        try:
            out.print(f"dispatch is {brakes.halt(store, settings.actor, reason)}", soft_wrap=True)
        except HaltRefusedError as error:
            raise typer.BadParameter(str(error)) from error


@app.command()
def resume(comment: Comment = "") -> None:
    """Let dispatch send again; what waited is sent by the next run."""
    settings = load_settings()
    with opened_state(settings) as store:
        try:
            ended = brakes.resume(store, settings.actor, comment)
        except HaltRefusedError as error:
            raise typer.BadParameter(str(error)) from error
    out.print(f"dispatch goes on; it was halted by {ended.halted_by} ({ended.reason})")


@app.command()
def replay(
    ids: Ids = None,
    code: Annotated[str | None, typer.Option(help="All dead ones of this drift code.")] = None,
    since: Day = None,
    until: Day = None,
    *,
    yes: Annotated[bool, typer.Option("--yes")] = False,
) -> None:
    """Queue dead corrections again, after their cause was mended; shows them first.

    Those named, or all of a code or that died on the days (UTC) from --since to --until.
    """
    settings = load_settings()
    with opened_state(settings) as store:
        chosen = _full_ids(store, ids)
        if code or since or until:
            days = (since and since.date(), until and until.date())
            dead = list_corrections(store, states=("dead",), code=code, changed=days)
            chosen += [item.correction_id for item in dead]
        for preview in approval.preview_replay(store, chosen):
            out.print(f"{preview.correction_id} -> {preview.target} {preview.record_id}")
            out.print(f"   stopped before: {preview.last_error}", soft_wrap=True)
        if yes:
            _say(approval.replay(store, chosen, settings.actor, "replay"))
        else:
            out.print("nothing changed; add --yes to queue them")


def _decide(
    decide: Callable[..., list[Decision]], ids: Sequence[str] | None, code: str | None, comment: str
) -> None:
    settings = load_settings()
    with opened_state(settings) as store:
        chosen = _full_ids(store, ids)
        if code is not None:
            waiting = list_corrections(store, states=("proposed",), code=code)
            chosen += [item.correction_id for item in waiting]
        if not chosen:
            raise typer.BadParameter("name corrections by id, or a --code that has proposed ones")
        try:
            _say(decide(store, chosen, settings.actor, comment))
        except (ApprovalRefusedError, WrongStateError) as error:
            raise typer.BadParameter(str(error)) from error


def _full_ids(store: State, beginnings: Sequence[str] | None) -> list[str]:
    try:
        return [
            show_correction(store, beginning).correction.correction_id
            for beginning in beginnings or []
        ]
    except LookupError as error:
        raise typer.BadParameter(str(error)) from error


def _say(decisions: Sequence[Decision]) -> None:
    for decision in decisions:
        more = f", {decision.still_needed} more needed" if decision.still_needed else ""
        out.print(f"{decision.correction_id}: {decision.state}{more}")


def _short(value: object) -> str:
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 3] + "..."
