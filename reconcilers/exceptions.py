"""Records a night's drift and keeps the exceptions that follow from all nights so far.

The life cycle itself is the pure fold in life.py; refolding.py feeds it from the state store.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from reconcilers.canonical import canonical_json
from reconcilers.corrections.policy import Policy
from reconcilers.corrections.verify import settle_verdicts
from reconcilers.life import ExceptionLife, ExceptionState, NightFact
from reconcilers.masking import masked
from reconcilers.refolding import (
    FACTS,
    folded,
    latest_facts,
    life_columns,
    recorded_nights,
    refold,
    sightings_of_corrected,
)
from reconcilers.rules.comparison import COMPARISONS, CONTROL
from reconcilers.state.audit import append_audit
from reconcilers.state.models import ExceptionRecord, Night, Observation
from reconcilers.state.store import State
from reconcilers.state.views import ExceptionView

VIEWED = tuple(item.name for item in fields(ExceptionView) if item.name in FACTS)
RECORDER = "tieout"


@dataclass(frozen=True)
class NightSummary:
    """What recording a night changed."""

    snapshot_date: date
    was_known: bool
    exceptions: int
    opened: int
    reopened: int
    resolved_self: int
    resolved_verified: int
    open_now: int


def record_night(
    state: State,
    snapshot_date: date,
    drift: pl.DataFrame,
    run_id: str,
    *,
    watermarks: Mapping[str, datetime],
    policy: Policy,
    recorded_at: datetime | None = None,
) -> NightSummary:
    """Replace the observations of a night by `drift` and refold every exception.

    `watermarks` says up to which instant each object ('netsuite.transaction') was covered; only a
    night that covered a correction can prove it. A comparison that reads an object whose control
    total broke, or that is stale, resolves nothing: what it no longer shows may just be missing.
    Severities are raised to the policy's floor. The same findings recorded again change nothing,
    and nights may come in any order.
    """
    rows = [_row(record, snapshot_date, policy) for record in drift.iter_rows(named=True)]
    night = NightFact(
        snapshot_date,
        {name: at.astimezone(UTC) for name, at in sorted(watermarks.items())},
        _unproven_comparisons(rows),
    )
    at = recorded_at or datetime.now(UTC)
    with state.begin() as session:
        was_known = _store_night(session, night, rows, run_id, at)
        before = _standings(session)
        settle_verdicts(session, recorded_nights(session), sightings_of_corrected(session), at)
        refold(session)
        after = _standings(session)
    return _summary(snapshot_date, was_known, rows, before, after)


def lives_as_of(state: State, snapshot_date: date) -> dict[str, ExceptionLife]:
    """Every exception as it stood on the evening of a night, by key: what that night's report said.

    Later nights are not looked at, so a report can be made again at any time.
    """
    with state.read() as session:
        return dict(folded(session, snapshot_date))


def exceptions_as_of(state: State, snapshot_date: date) -> list[ExceptionView]:
    """Every exception with its facts as of the evening of a night, in the order of their keys."""
    with state.read() as session:
        facts = latest_facts(session, snapshot_date)
        return [
            ExceptionView(
                exception_key=key,
                **{name: facts[key][name] for name in VIEWED},
                **life_columns(life),
            )
            for key, life in folded(session, snapshot_date)
        ]


def known(state: State, day: date | None) -> dict[str, ExceptionView]:
    """The same by key; nothing where there is no such night."""
    views = exceptions_as_of(state, day) if day is not None else []
    return {view.exception_key: view for view in views}


def night_before(state: State, day: date) -> date | None:
    """The last recorded night before a day."""
    with state.read() as session:
        return session.scalar(
            select(func.max(Night.snapshot_date)).where(Night.snapshot_date < day)
        )


def _store_night(
    session: Session, night: NightFact, rows: Sequence[Mapping[str, Any]], run_id: str, at: datetime
) -> bool:
    """Replace the night; True when it was already stored with the same findings."""
    stamps = {name: instant.isoformat() for name, instant in night.watermarks.items()}
    digest = _digest(rows, stamps, night.unproven_comparisons)
    known = session.get(Night, night.snapshot_date)
    if known is not None and known.findings_sha256 == digest:
        return True
    counts = dict.fromkeys(("exception", "in_flight", "unproven"), 0)
    for row in rows:
        counts[row["disposition"]] += 1
    session.execute(delete(Observation).where(Observation.snapshot_date == night.snapshot_date))
    if rows:
        session.execute(insert(Observation), list(rows))
    session.merge(
        Night(
            snapshot_date=night.snapshot_date,
            run_id=run_id,
            recorded_at=at,
            findings_sha256=digest,
            exceptions=counts["exception"],
            in_flight=counts["in_flight"],
            unproven=counts["unproven"],
            watermarks=stamps,
            unproven_comparisons=sorted(night.unproven_comparisons),
        )
    )
    append_audit(
        session,
        actor=RECORDER,
        action="night recorded" if known is None else "night recorded again",
        subject=night.snapshot_date.isoformat(),
        body={"run_id": run_id, "findings_sha256": digest, **counts},
        at=at,
    )
    return False


def _unproven_comparisons(rows: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Comparisons that prove nothing tonight, because an object that they read is in doubt."""
    broken = {
        f"{row['owner_system']}.{row['owner_id']}"
        for row in rows
        if row["comparison"] == CONTROL.name and row["disposition"] == "exception"
    }
    doubted = {each.name for each in COMPARISONS if not broken.isdisjoint(each.reads)}
    shown = {row["comparison"] for row in rows if row["disposition"] == "unproven"}
    return frozenset(doubted | shown)


def _row(record: Mapping[str, Any], snapshot_date: date, policy: Policy) -> dict[str, Any]:
    row = {name: record.get(name) for name in FACTS}
    rule = policy.rule(record["code"], record["cause"])
    event_at = record["event_at"]
    if isinstance(event_at, datetime) and event_at.tzinfo is None:
        event_at = event_at.replace(tzinfo=UTC)  # the warehouse keeps UTC without saying so
    row |= {
        "exception_key": record["exception_key"],
        "snapshot_date": snapshot_date,
        "disposition": record["disposition"],
        "severity": rule.severity(record["severity"]),
        "attribute": record["attribute"] or "",
        "event_at": event_at,
    }
    # both sides' records are named: whoever may see the whole value finds it there
    attribute = record["attribute"] or ""
    shown = {name: masked(attribute, row[name]) or None for name in ("expected", "observed")}
    return row | shown


def _digest(
    rows: Iterable[Mapping[str, Any]], stamps: Mapping[str, str], unproven: Iterable[str]
) -> str:
    texts = sorted(canonical_json({name: _plain(v) for name, v in row.items()}) for row in rows)
    whole = canonical_json([texts, dict(stamps), sorted(unproven)])
    return hashlib.sha256(whole.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _standings(session: Session) -> dict[str, tuple[str, int]]:
    rows = session.execute(
        select(ExceptionRecord.exception_key, ExceptionRecord.state, ExceptionRecord.episode)
    ).tuples()
    return {key: (state, episode) for key, state, episode in rows}


def _summary(
    snapshot_date: date,
    was_known: bool,
    rows: Sequence[Mapping[str, Any]],
    before: Mapping[str, tuple[str, int]],
    after: Mapping[str, tuple[str, int]],
) -> NightSummary:
    def turned(state: ExceptionState) -> int:
        return sum(
            now[0] == state and before.get(key, ("", 0))[0] not in ("", state)
            for key, now in after.items()
        )

    return NightSummary(
        snapshot_date=snapshot_date,
        was_known=was_known,
        exceptions=sum(row["disposition"] == "exception" for row in rows),
        opened=len(after.keys() - before.keys()),
        reopened=sum(now[1] > before[key][1] for key, now in after.items() if key in before),
        resolved_self=turned(ExceptionState.RESOLVED_SELF),
        resolved_verified=turned(ExceptionState.RESOLVED_VERIFIED),
        open_now=sum(now[0] in ("OPEN", "WAIVED") for now in after.values()),
    )
