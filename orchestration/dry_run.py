"""`tieout corrections diff`: what would be written, beside what stands there, and what follows."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.table import Table

from extractors.errors import SourceError
from extractors.registry import open_target
from orchestration.console import table
from orchestration.settings import DBT_PROJECT_DIR, Settings
from reconcilers.corrections.diff import Change, Projection, changes, projections
from reconcilers.corrections.look import look
from reconcilers.corrections.states import UNSENT
from reconcilers.corrections.veil import veil
from reconcilers.report.amounts import amount
from reconcilers.state import State
from reconcilers.state.views import CorrectionView, list_corrections


@dataclass(frozen=True)
class DryRun:
    """Corrections with their changes, what their targets show now, and the tie-outs after them."""

    corrections: Sequence[tuple[CorrectionView, Sequence[Change], str]]
    tieouts: Sequence[Projection]


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
    seen = await _seen(settings, views) if live else dict[str, str]()
    shown = [(view, changes(view), seen.get(view.correction_id, "")) for view in views]
    return DryRun(shown, projections(state, views))


async def _seen(settings: Settings, views: Sequence[CorrectionView]) -> dict[str, str]:
    """By correction, in words, what its target shows now."""
    async with AsyncExitStack() as stack:
        targets = {
            system: await stack.enter_async_context(open_target(settings.system_config(system)))
            for system in sorted({view.system for view in views})
        }
        veiled_targets, seen = veil(targets, settings.seals()), {}
        for view in views:
            try:
                seen[view.correction_id] = (await look(veiled_targets[view.system], view)).words
            except SourceError as error:
                seen[view.correction_id] = f"could not look: {error.message}"
        return seen


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
    yield _tieouts_table(found.tieouts) if found.tieouts else "no total of a tie-out moves"


def _tieouts_table(lines: Sequence[Projection]) -> Table:
    exponents = _exponents()
    shown = table("tie-out", "scope", "month", "gap now", "gap then", "corrections")
    for line in lines:
        written = partial(amount, currency=line.currency, exponents=exponents)
        gaps = (written(line.gap_minor), written(line.projected_minor))
        shown.add_row(line.code, line.scope, line.period, *gaps, str(line.corrections))
    return shown


def _exponents() -> Mapping[str, int]:
    """Decimals of each currency."""
    seed = pl.read_csv(DBT_PROJECT_DIR / "seeds" / "currencies.csv")
    return dict(seed.select("currency", "exponent").iter_rows())
