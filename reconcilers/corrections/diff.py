"""What corrections would change, before anything is sent: field by field, and total by total."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from reconcilers.refolding import newest_night
from reconcilers.sealing import veiled
from reconcilers.state.store import State
from reconcilers.state.tieouts import load_tieouts
from reconcilers.state.views import CorrectionView, ExceptionView, list_exceptions
from reconcilers.tieout_bridges import BRIDGES, scope_of

_BRIDGES = {bridge.comparison: bridge for bridge in BRIDGES}
_KEY = ("code", "scope", "currency", "period")
_GAP = pl.col("explained_minor") + pl.col("unexplained_minor")
# Postings of what the right side lacks: each closes the gap (left - right) by its impact.
CLOSING_A_GAP = frozenset(
    {"post_erp_invoice", "post_erp_credit_memo", "post_erp_payment", "post_erp_refund"}
)


@dataclass(frozen=True)
class Change:
    """One field: what the plan saw in it, and what it would hold. None where there is nothing."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Projection:
    """A line of the newest night's tie-outs: its gap now, and as it would be (minor units)."""

    code: str
    scope: str
    currency: str
    period: str
    gap_minor: int
    projected_minor: int
    corrections: int


def changes(view: CorrectionView) -> list[Change]:
    """The fields that a correction would write, in the order of its payload; none if refused."""
    before = dict(_flat(veiled(view.before or {})))
    return [
        Change(name, _text(before.get(name)), _text(value))
        for name, value in _flat(veiled(view.payload))
    ]


def projections(state: State, views: Iterable[CorrectionView]) -> list[Projection]:
    """The lines of tie-outs that would move if all these took effect, and nothing else happened.

    Lines that compare documents are projected (TO-INV, TO-CRN, TO-CASH ...). What rolls forward
    over months (TO-AR, TO-DEF ...) follows from what else becomes of the documents, and is not.
    """
    with state.read() as session:
        night = newest_night(session)
    if night is None:
        return []
    moved = _moved(views, {each.exception_key: each for each in list_exceptions(state)})
    lines = load_tieouts(state, night).sort("code", "scope", "currency", "period")
    return [
        Projection(code, scope, currency, period, gap, gap - sum(by), len(by))
        for code, scope, currency, period, gap in lines.select(*_KEY, _GAP).iter_rows()
        if (by := moved.get((code, scope, currency, period)))
    ]


def _moved(
    views: Iterable[CorrectionView], exceptions: Mapping[str, ExceptionView]
) -> dict[tuple[str, ...], list[int]]:
    """By line, by how much each correction closes its gap."""
    moved: dict[tuple[str, ...], list[int]] = {}
    for view in views:
        found = exceptions.get(view.exception_key)
        bridge = _BRIDGES.get(found.comparison) if found else None
        if found is None or bridge is None or view.action not in CLOSING_A_GAP or view.refusals:
            continue
        scope = scope_of(found.legal_entity, bridge)
        key = bridge.code, scope, found.currency or "", found.period or ""
        moved.setdefault(key, []).append(abs(view.impact_minor or 0))
    return moved


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Members of members as `item.items[1].amount`."""
    if isinstance(value, Mapping) and value:
        for key, member in value.items():
            yield from _flat(member, f"{name}.{key}" if name else key)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for number, member in enumerate(value, start=1):
            yield from _flat(member, f"{name}[{number}]")
    elif name:
        yield name, value


def _text(value: Any) -> str | None:
    return None if value in (None, "", {}, []) else str(value)
