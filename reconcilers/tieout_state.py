"""TO-EXC and TO-OUT: the exceptions and corrections of the state store."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

import polars as pl
from sqlalchemy import func, or_, select

from reconcilers.backlog import Movements, gross_of, movements
from reconcilers.corrections.correction import UNDOING
from reconcilers.corrections.states import CorrectionState
from reconcilers.exceptions import known, night_before
from reconcilers.report.amounts import amount
from reconcilers.state.models import CorrectionRecord, ExceptionRecord, Night
from reconcilers.state.store import State
from reconcilers.state.tieouts import load_tieouts

Line = Mapping[str, Any]

_CLOSED = (
    CorrectionState.REJECTED,
    CorrectionState.SUPERSEDED,
    CorrectionState.VERIFIED,
    CorrectionState.COMPENSATED,
)


def state_lines(
    state: State, day: date, drift: pl.DataFrame, currency: str, exponents: Mapping[str, int]
) -> Iterator[Line]:
    """A line of each; money is gross (children of a cause included), in the reporting currency.

    `drift` is what tonight found. Later nights are not looked at: an old night can be tied again.
    """
    yield _exceptions(state, day, drift, currency, exponents)
    yield _corrections(state, day, currency)


def _exceptions(
    state: State, day: date, drift: pl.DataFrame, currency: str, exponents: Mapping[str, int]
) -> Line:
    """What the store has open = what tonight found + what tonight could not disprove."""
    moved = movements(known(state, night_before(state, day)), known(state, day))
    now = {view.exception_key: view for view in moved.closing}
    found = drift.filter(pl.col("disposition") == "exception")
    minor_of = dict(found.select("exception_key", "impact_reporting_minor").iter_rows())
    in_doubt = set(drift.filter(pl.col("disposition") != "exception")["exception_key"])
    unproven = _unproven(state, day)
    rest = {key: view for key, view in now.items() if key not in minor_of}
    carried = [view for key, view in rest.items() if key in in_doubt or view.comparison in unproven]
    lost = len(minor_of.keys() - now.keys()) + len(rest) - len(carried)
    left = gross_of(moved.closing)
    right = sum(abs(minor or 0) for minor in minor_of.values()) + gross_of(carried)
    return {
        "code": "TO-EXC",
        "scope": "exceptions",
        "currency": currency,
        "left_label": "open in the state store",
        "left_rows": len(now),
        "left_minor": left,
        "right_label": "found tonight and carried over",
        "right_rows": len(minor_of) + len(carried),
        "right_minor": right,
        "matched_minor": left - gross_of(carried),
        "explained_minor": gross_of(carried),
        "unexplained_rows": lost,
        "unexplained_minor": left - right,
        "holds": lost == 0 and left == right,
        "detail": _told(moved, partial(amount, currency=currency, exponents=exponents)),
    }


def _told(moved: Movements, written: Callable[[int], str]) -> str:
    """'opening 3 (5.00 USD) + detected 1 (1.00 USD) - verified 1 (2.00 USD) = 3 (4.00 USD)'."""
    named = {
        "+ detected": moved.detected,
        "+ re-opened": moved.reopened,
        "- self-resolved": moved.resolved_self,
        "- verified": moved.resolved_verified,
    }
    revalued = sum(minor for _, minor in moved.revalued)
    parts = [f"opening {len(moved.opening)} ({written(gross_of(moved.opening))})"]
    parts += [
        f"{name} {len(views)} ({written(gross_of(views))})"
        for name, views in named.items()
        if views
    ]
    parts += [f"+ revalued ({written(revalued)})"] if revalued else []
    waived = [view for view in moved.closing if view.state == "WAIVED"]
    of_them = f", {len(waived)} of them waived" if waived else ""
    closing = f"= {len(moved.closing)} ({written(gross_of(moved.closing))}){of_them}"
    return " ".join([*parts, closing])


def _unproven(state: State, day: date) -> frozenset[str]:
    """The comparisons that prove nothing tonight, so that what they do not show stays open."""
    with state.read() as session:
        night = session.get(Night, day)
        return frozenset(night.unproven_comparisons) if night else frozenset()


def _corrections(state: State, day: date, currency: str) -> Line:
    """What earlier nights planned = open + closed, each for an exception that the store knows.

    An undo is for a correction, not for an exception. Of a night that is tied out again it is told
    what stood open then: later nights close what it planned.
    """
    is_known = or_(ExceptionRecord.exception_key.is_not(None), CorrectionRecord.action.in_(UNDOING))
    impact = func.sum(func.coalesce(CorrectionRecord.impact_reporting_minor, 0))
    query = (
        select(CorrectionRecord.state, is_known, func.count(), impact)
        .outerjoin(ExceptionRecord, CorrectionRecord.exception_key == ExceptionRecord.exception_key)
        .where(CorrectionRecord.snapshot_date < day)
        .group_by(CorrectionRecord.state, is_known)
        .order_by(CorrectionRecord.state)
    )
    with state.read() as session:
        rows = session.execute(query).tuples().all()
    planned, minor = _summed(rows)
    orphaned, orphaned_minor = _summed(row for row in rows if not row[1])
    told = _told_before(state, day, currency)
    if told and not orphaned and (told["left_rows"], told["left_minor"]) == (planned, minor):
        return told
    _, closed_minor = _summed(row for row in rows if row[1] and row[0] in _CLOSED)
    return {
        "code": "TO-OUT",
        "scope": "corrections",
        "currency": currency,
        "left_label": "planned so far",
        "left_rows": planned,
        "left_minor": minor,
        "right_label": "open and closed, for a known exception",
        "right_rows": planned - orphaned,
        "right_minor": minor - orphaned_minor,
        "matched_minor": minor - orphaned_minor - closed_minor,
        "explained_minor": closed_minor,
        "unexplained_rows": orphaned,
        "unexplained_minor": orphaned_minor,
        "holds": orphaned == 0,
        "detail": ", ".join(f"{name} {count}" for name, _, count, _ in rows),
    }


def _told_before(state: State, day: date, currency: str) -> Line | None:
    """The line of the corrections as the night recorded it."""
    told = load_tieouts(state, day).filter(
        pl.col("code") == "TO-OUT", pl.col("currency") == currency
    )
    return next(iter(told.drop("snapshot_date", "period").to_dicts()), None)


def _summed(rows: Iterable[tuple[str, bool, int, Any]]) -> tuple[int, int]:
    of = [(count, minor) for _, _, count, minor in rows]
    return sum(count for count, _ in of), sum(int(minor) for _, minor in of)
