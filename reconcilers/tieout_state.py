"""TO-EXC and TO-OUT: the exceptions and corrections of the state store."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

import polars as pl
from sqlalchemy import func, or_, select

from reconcilers.corrections.correction import UNDOING
from reconcilers.corrections.states import CorrectionState
from reconcilers.exceptions import exceptions_as_of
from reconcilers.life import STILL_OPEN
from reconcilers.report.amounts import amount
from reconcilers.state.models import CorrectionRecord, ExceptionRecord, Night
from reconcilers.state.store import State
from reconcilers.state.views import ExceptionView

Line = Mapping[str, Any]
_Views = Mapping[str, ExceptionView]

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
    before = _open(_known(state, _night_before(state, day)))
    known = _known(state, day)
    now = _open(known)
    found = drift.filter(pl.col("disposition") == "exception")
    minor_of = dict(found.select("exception_key", "impact_reporting_minor").iter_rows())
    in_doubt = set(drift.filter(pl.col("disposition") != "exception")["exception_key"])
    unproven = _unproven(state, day)
    rest = {key: view for key, view in now.items() if key not in minor_of}
    carried = [view for key, view in rest.items() if key in in_doubt or view.comparison in unproven]
    lost = len(minor_of.keys() - now.keys()) + len(rest) - len(carried)
    left = _minor(now.values())
    right = sum(abs(minor or 0) for minor in minor_of.values()) + _minor(carried)
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
        "matched_minor": left - _minor(carried),
        "explained_minor": _minor(carried),
        "unexplained_rows": lost,
        "unexplained_minor": left - right,
        "holds": lost == 0 and left == right,
        "detail": _movements(
            before, now, known, partial(amount, currency=currency, exponents=exponents)
        ),
    }


def _movements(before: _Views, now: _Views, known: _Views, written: Callable[[int], str]) -> str:
    """'opening 3 (5.00 USD) + detected 1 (1.00 USD) - verified 1 (2.00 USD) = 3 (4.00 USD)'."""
    gone = [known[key] for key in before.keys() - now.keys()]
    came = [now[key] for key in now.keys() - before.keys()]
    revalued = _minor(now[key] for key in now.keys() & before.keys()) - _minor(
        before[key] for key in now.keys() & before.keys()
    )
    moved = {
        "+ detected": [view for view in came if view.episode == 1],
        "+ re-opened": [view for view in came if view.episode > 1],
        "- self-resolved": [view for view in gone if view.resolved_by is None],
        "- verified": [view for view in gone if view.resolved_by is not None],
    }
    parts = [f"opening {len(before)} ({written(_minor(before.values()))})"]
    parts += [
        f"{name} {len(views)} ({written(_minor(views))})" for name, views in moved.items() if views
    ]
    parts += [f"+ revalued ({written(revalued)})"] if revalued else []
    waived = [view for view in now.values() if view.state == "WAIVED"]
    of_them = f", {len(waived)} of them waived" if waived else ""
    return " ".join([*parts, f"= {len(now)} ({written(_minor(now.values()))}){of_them}"])


def _minor(views: Iterable[ExceptionView]) -> int:
    return sum(abs(view.impact_reporting_minor or 0) for view in views)


def _night_before(state: State, day: date) -> date | None:
    with state.read() as session:
        return session.scalar(
            select(func.max(Night.snapshot_date)).where(Night.snapshot_date < day)
        )


def _unproven(state: State, day: date) -> frozenset[str]:
    """The comparisons that prove nothing tonight, so that what they do not show stays open."""
    with state.read() as session:
        night = session.get(Night, day)
        return frozenset(night.unproven_comparisons) if night else frozenset()


def _known(state: State, day: date | None) -> _Views:
    views = exceptions_as_of(state, day) if day is not None else []
    return {view.exception_key: view for view in views}


def _open(known: _Views) -> _Views:
    return {key: view for key, view in known.items() if view.state in STILL_OPEN}


def _corrections(state: State, day: date, currency: str) -> Line:
    """What earlier nights planned = open + closed, each for an exception that the store knows.

    An undo is for a correction, not for an exception.
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


def _summed(rows: Iterable[tuple[str, bool, int, Any]]) -> tuple[int, int]:
    of = [(count, minor) for _, _, count, minor in rows]
    return sum(count for count, _ in of), sum(int(minor) for _, minor in of)
