"""`tieout corrections diff`: what would be written, beside what stands there, and what follows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from extractors.errors import SourceError
from extractors.protocol import Preview, Previewing, Target, WriteIntent
from extractors.registry import open_target
from orchestration.console import table
from orchestration.settings import Settings
from reconcilers.corrections.diff import Change, Projection, changes, projections
from reconcilers.corrections.look import look
from reconcilers.corrections.states import UNSENT
from reconcilers.corrections.steps import OPERATIONS
from reconcilers.corrections.veil import veil
from reconcilers.report.amounts import amount
from reconcilers.state import State
from reconcilers.state.views import CorrectionView, list_corrections


@dataclass(frozen=True)
class DryRun:
    """Corrections with their changes, what their targets show now, and the tie-outs after them.

    `previews` tells by correction what its vendor says would come of it, or why it says nothing.
    """

    corrections: Sequence[tuple[CorrectionView, Sequence[Change], str]]
    tieouts: Sequence[Projection]
    previews: Mapping[str, Preview | str]
    exponents: Mapping[str, int]


async def dry_run(
    settings: Settings, state: State, ids: Collection[str], code: str | None, *, live: bool
) -> DryRun:
    """What the corrections with these ids, or all that are not sent, would do.

    With `live` each target is looked at, with the credentials that nights read with.
    """
    views = [
        view
        for view in list_corrections(state, states=() if ids else UNSENT, code=code)
        if not ids or view.correction_id in ids
    ]
    seen, previews = await _asked(settings, views) if live else ({}, {})
    shown = [(view, changes(view), seen.get(view.correction_id, "")) for view in views]
    return DryRun(shown, projections(state, views), previews, settings.exponents())


async def _asked(
    settings: Settings, views: Sequence[CorrectionView]
) -> tuple[dict[str, str], dict[str, Preview | str]]:
    """By correction: in words, what its target shows now, and what its vendor says of it."""
    async with AsyncExitStack() as stack:
        targets = {
            system: await stack.enter_async_context(open_target(settings.system_config(system)))
            for system in sorted({view.system for view in views})
        }
        veiled_targets, seen = veil(targets, settings.seals()), {}
        previews: dict[str, Preview | str] = {}
        for view in views:
            try:
                seen[view.correction_id] = (await look(veiled_targets[view.system], view)).words
            except SourceError as error:
                seen[view.correction_id] = f"could not look: {error.message}"
            if told := await _previewed(targets[view.system], view):
                previews[view.correction_id] = told
        return seen, previews


async def _previewed(target: Target, view: CorrectionView) -> Preview | str | None:
    """The vendor's own preview; None where it has none."""
    if not isinstance(target, Previewing) or not view.payload:
        return None
    intent = WriteIntent(
        operation=OPERATIONS[view.operation],
        object=view.object,
        record_id=view.record_id,
        body=view.payload,
        idempotency_key="",
        correlation_id=view.correlation_id,
    )
    try:
        return await target.preview(intent)
    except SourceError as error:
        return f"no preview: {error.message}"


def as_json(found: DryRun) -> dict[str, Any]:
    """For machines; amounts in minor units."""
    return {
        "corrections": [
            {
                "correction_id": view.correction_id,
                "code": view.code,
                "state": view.state,
                "target": f"{view.system} {view.object} {view.record_id}",
                "changes": [asdict(change) for change in changed],
                "refusals": list(view.refusals),
                "seen": seen or None,
                "preview": _preview_as_json(found.previews.get(view.correction_id)),
            }
            for view, changed, seen in found.corrections
        ],
        "tieouts": [asdict(line) for line in found.tieouts],
    }


def as_text(found: DryRun) -> Iterator[RenderableType]:
    """A line per field, and a table of the tie-outs that move."""
    for view, changed, seen in found.corrections:
        target = f"{view.system} {view.object} {view.record_id}"
        yield f"{view.correction_id} {view.code} {view.state}: {target}"
        yield from (f"  {c.field}: {c.before or '-'} -> {c.after or '-'}" for c in changed)
        yield from (f"  refused: {r['field']}: {r['problem']}; {r['fix']}" for r in view.refusals)
        if seen:
            yield f"  now: {seen}"
        if told := found.previews.get(view.correction_id):
            yield from _preview_as_text(view.system, told, found.exponents)
    if found.tieouts:
        yield _tieouts_table(found.tieouts, found.exponents)
    else:
        yield "no total of a tie-out moves"


def _preview_as_json(told: Preview | str | None) -> dict[str, Any] | None:
    if told is None or isinstance(told, Preview):
        return asdict(told) if told else None
    return {"refused": told}


def _preview_as_text(
    system: str, told: Preview | str, exponents: Mapping[str, int]
) -> Iterator[str]:
    """What the document comes to, and its lines."""
    if isinstance(told, str):
        yield f"  {system} says: {told}"
        return
    written = partial(amount, currency=told.currency, exponents=exponents)
    was = "" if told.before_minor is None else f" instead of {written(told.before_minor)}"
    total, tax = written(told.total_minor), written(told.tax_minor)
    yield f"  {system} says: {told.document} over {total}{was}, tax {tax}"
    yield from (f"    {name or 'line'}: {written(minor)}" for name, minor in told.lines)


def _tieouts_table(lines: Sequence[Projection], exponents: Mapping[str, int]) -> Table:
    shown = table("tie-out", "scope", "month", "gap now", "gap then", "corrections")
    for line in lines:
        written = partial(amount, currency=line.currency, exponents=exponents)
        gaps = (written(line.gap_minor), written(line.projected_minor))
        shown.add_row(line.code, line.scope, line.period, *gaps, str(line.corrections))
    return shown
