"""What the figures of a night are made of, read from the warehouse and the state store.

Everything stands as of the end of the night's day (UTC), so that a night can be measured again:
what happened later is left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import polars as pl
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reconcilers.audit_pack.signing import SIGNED
from reconcilers.corrections.correction import UNDOING
from reconcilers.corrections.policy import Policy
from reconcilers.evaluate import load_rates
from reconcilers.exceptions import known, night_before
from reconcilers.rates import Rates
from reconcilers.state.models import (
    Attempt,
    AuditEntry,
    CorrectionRecord,
    EventLetter,
    Night,
    Observation,
)
from reconcilers.state.store import State
from reconcilers.state.views import CorrectionView, ExceptionView, list_corrections

WINDOW = timedelta(days=30)
_QUERIES = {
    "dispositions": "select * from reconciliation.dispositions",
    "matches": "select pairing, pass_name, mode, left_count + right_count as records "
    "from reconciliation.matches",
    "tieouts": "select code, currency, left_minor, unexplained_minor "
    "from reconciliation.tieouts where currency is not null",
    "latencies": "select * from reporting.rpt_kpi_latencies",
    "receivables": "select * from reporting.rpt_kpi_receivables",
    "lineage": "select * from reporting.rpt_kpi_revenue_lineage",
    "coverage": "select * from reporting.rpt_kpi_ledger_coverage",
    "disputes": "select * from reporting.rpt_kpi_card_disputes",
    "events": "select * from reporting.rpt_kpi_events",
    "quarantine": "select snapshot_date from raw.open_quarantine",
}


@dataclass(frozen=True)
class FirstSight:
    """The night that first told an exception, and when what it tells of happened (UTC)."""

    code: str
    seen_on: date
    event_at: datetime


@dataclass(frozen=True)
class Try:
    """One attempt at a correction; `error_class` is empty where it met no error."""

    correction_id: str
    started_at: datetime
    outcome: str
    error_class: str


@dataclass(frozen=True)
class Sources:
    """Frames of the warehouse built for the day, and rows of the state store as of its end."""

    day: date
    nights: Sequence[date]
    policy: Policy
    rates: Rates
    frames: Mapping[str, pl.DataFrame]
    before: Mapping[str, ExceptionView]
    now: Mapping[str, ExceptionView]
    first_sights: Sequence[FirstSight]
    corrections: Sequence[CorrectionView]
    tries: Sequence[Try]
    refused_events: Sequence[datetime]
    reviews: Sequence[tuple[date, datetime]]

    @property
    def end(self) -> datetime:
        return end_of(self.day)

    @property
    def since(self) -> datetime:
        """From when on something counts as of the last 30 days."""
        return self.end - WINDOW

    def is_recent(self, at: datetime | None) -> bool:
        return at is not None and self.since <= at < self.end


def end_of(day: date) -> datetime:
    """The instant at which a day is over (UTC): what a night may have seen came before it."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def load_sources(
    con: duckdb.DuckDBPyConnection, state: State, day: date, policy: Policy
) -> Sources:
    """All of it, from the warehouse that is built for the day and the recorded nights."""
    frames = {name: con.sql(query).pl() for name, query in _QUERIES.items()}
    with state.read() as session:
        until = select(Night.snapshot_date).where(Night.snapshot_date <= day)
        nights = [*session.scalars(until.order_by(Night.snapshot_date))]
        undos = session.scalars(
            select(CorrectionRecord.correction_id).where(CorrectionRecord.action.in_(UNDOING))
        )
        of_undos = frozenset(undos)
        first_sights = _first_sights(session, day)
        tries = _tries(session, end_of(day))
        refused = _refused_events(session, end_of(day))
        reviews = _reviews(session, end_of(day))
    return Sources(
        day=day,
        nights=nights,
        policy=policy,
        rates=load_rates(con, day, policy.reporting_currency),
        frames=frames,
        before=known(state, night_before(state, day)),
        now=known(state, day),
        first_sights=first_sights,
        corrections=[
            view
            for view in list_corrections(state)
            if view.snapshot_date <= day and view.correction_id not in of_undos
        ],
        tries=tries,
        refused_events=refused,
        reviews=reviews,
    )


def _first_sights(session: Session, day: date) -> list[FirstSight]:
    first = (
        select(Observation.exception_key, func.min(Observation.snapshot_date).label("seen_on"))
        .where(Observation.disposition == "exception", Observation.snapshot_date <= day)
        .group_by(Observation.exception_key)
        .subquery()
    )
    rows = session.execute(
        select(Observation.code, Observation.snapshot_date, Observation.event_at)
        .join(
            first,
            (Observation.exception_key == first.c.exception_key)
            & (Observation.snapshot_date == first.c.seen_on),
        )
        .where(first.c.seen_on > day - WINDOW, Observation.event_at.is_not(None))
    )
    return [FirstSight(code, seen_on, at) for code, seen_on, at in rows.tuples() if at is not None]


def _tries(session: Session, until: datetime) -> list[Try]:
    rows = session.execute(
        select(Attempt.correction_id, Attempt.started_at, Attempt.outcome, Attempt.error_class)
        .where(Attempt.started_at < until)
        .order_by(Attempt.correction_id, Attempt.number)
    )
    return [Try(one, at, outcome or "", error or "") for one, at, outcome, error in rows.tuples()]


def _refused_events(session: Session, until: datetime) -> list[datetime]:
    """When each event was refused that no receiver had taken by then."""
    is_waiting = EventLetter.delivered_at.is_(None) | (EventLetter.delivered_at >= until)
    query = select(EventLetter.refused_at).where(EventLetter.refused_at < until, is_waiting)
    return [*session.scalars(query)]


def _reviews(session: Session, until: datetime) -> list[tuple[date, datetime]]:
    """The nights that a reviewer signed with the findings that they still have, and when."""
    findings: Mapping[str, str] = {
        day.isoformat(): sha256
        for day, sha256 in session.execute(
            select(Night.snapshot_date, Night.findings_sha256)
        ).tuples()
    }
    signed = session.scalars(
        select(AuditEntry).where(AuditEntry.action == SIGNED, AuditEntry.at < until)
    )
    return [
        (date.fromisoformat(line.subject), line.at)
        for line in signed
        if _is_review(line.body) and line.body["findings_sha256"] == findings.get(line.subject)
    ]


def _is_review(body: Mapping[str, Any]) -> bool:
    return body["role"] == "reviewer"
