"""What stands in the pack of a night: everything that the state store knows of it, as tables.

Exceptions and their history stand as of the night, decisions and corrections as they are when the
pack is made. Amounts are minor units beside their currency, times are UTC.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from extractors.manifest import Manifest
from reconcilers.audit_pack.signing import SignOff, sign_offs
from reconcilers.canonical import canonical_json
from reconcilers.exceptions import exceptions_as_of
from reconcilers.sealing import veiled
from reconcilers.spreadsheet import table
from reconcilers.state.audit import verify_chain
from reconcilers.state.models import (
    Approval,
    Attempt,
    AuditEntry,
    Base,
    CorrectionRecord,
    Halt,
    KpiRecord,
    Night,
    Observation,
    TieoutRecord,
    Waiver,
)
from reconcilers.state.store import State
from reconcilers.state.views import ExceptionView

README = """Tieout: the evidence of one night

How to check it without Tieout:  sha256sum -c SHA256SUMS
With it:                         tieout audit verify PACK

identity.json     which run, which code, which rules, and the command that makes it again
inputs.csv        every object read: window, rows, totals of the source beside what landed, hash
kpis.csv          the key figures of every night so far; docs/kpis.md says what each means
tieouts.csv       every assertion: left = matched + explained + unexplained, rows and money
exceptions.csv    every exception as of the night, closed ones too
history.csv       what each night saw of each of them
waivers.csv       what people accepted, until when, and within which money
corrections.csv   what was to be written: before, after, payload, where it stands
approvals.csv     who said yes or no to it
attempts.csv      every call that was made for it
nights.csv        every night up to this one; `missed` are the days before it without a night
control.json      who acted, whether anybody approved what they made, halts, the state of the audit
sign_offs.csv     who prepared and who reviewed the night
audit.jsonl       every line of the audit; each line's hash is over the one before
report/           the report of the night as people read it
rules/            the policy and the system-of-record matrix in force

Amounts are integers in minor units of the currency beside them. Times are UTC.
"""


def members(
    state: State,
    day: date,
    identity: Mapping[str, Any],
    manifests: Sequence[Manifest],
    files: Mapping[str, bytes],
) -> dict[str, bytes]:
    """The members of a night's pack by name; `files` are put in as they are.

    Raises LookupError when the night was not recorded.
    """
    with state.read() as session:
        night = session.get(Night, day)
        if night is None:
            raise LookupError(f"the night of {day} was not recorded; run it first")
        tables = _tables(session, day)
        control = _control(session, day)
        audit = _audit(session)
        run = _row(night)
    views = {
        "exceptions.csv": _csv(_names(ExceptionView), exceptions_as_of(state, day)),
        "sign_offs.csv": _csv(_names(SignOff), sign_offs(state, day)),
        "inputs.csv": _csv(_names(Manifest, but="vendor_schema"), manifests),
    }
    told = {"identity.json": {**identity, "night": run}, "control.json": control}
    return {
        "README.txt": README.encode(),
        **{name: f"{json.dumps(body, indent=2)}\n".encode() for name, body in told.items()},
        **tables,
        **views,
        "audit.jsonl": audit,
        **files,
    }


def _tables(session: Session, day: date) -> dict[str, bytes]:
    planned = select(CorrectionRecord.correction_id).where(CorrectionRecord.snapshot_date <= day)
    chosen: dict[str, tuple[type[Any], Any]] = {
        "kpis.csv": (KpiRecord, KpiRecord.snapshot_date <= day),
        "tieouts.csv": (TieoutRecord, TieoutRecord.snapshot_date == day),
        "history.csv": (Observation, Observation.snapshot_date <= day),
        "waivers.csv": (Waiver, Waiver.valid_from <= day),
        "corrections.csv": (CorrectionRecord, CorrectionRecord.snapshot_date <= day),
        "approvals.csv": (Approval, Approval.correction_id.in_(planned)),
        "attempts.csv": (Attempt, Attempt.correction_id.in_(planned)),
    }
    made = {"nights.csv": _nights(session, day)}
    for name, (kind, which) in chosen.items():
        rows: Iterable[Any] = session.scalars(
            select(kind).where(which).order_by(*kind.__table__.primary_key)
        )
        made[name] = _csv(_columns(kind), (SimpleNamespace(**_row(row)) for row in rows))
    return made


def _nights(session: Session, day: date) -> bytes:
    """Every night with the days before it that have none: a missed night is told, not left out."""
    query = select(Night).where(Night.snapshot_date <= day).order_by(Night.snapshot_date)
    rows: list[SimpleNamespace] = []
    before: date | None = None
    for night in session.scalars(query):
        gap = (night.snapshot_date - before).days if before else 1
        missed = [str(night.snapshot_date - timedelta(left)) for left in range(gap - 1, 0, -1)]
        rows.append(SimpleNamespace(**_row(night), missed=missed))
        before = night.snapshot_date
    return _csv((*_columns(Night), "missed"), rows)


def _control(session: Session, day: date) -> dict[str, Any]:
    """Who acted and how often, and whether maker and checker were ever one."""
    own = session.scalars(
        select(Approval.correction_id)
        .join(CorrectionRecord, CorrectionRecord.correction_id == Approval.correction_id)
        .where(Approval.decision == "approve", Approval.actor == CorrectionRecord.maker)
        .order_by(Approval.correction_id)
    )
    acted = Counter(session.execute(select(AuditEntry.actor, AuditEntry.action)).tuples().all())
    chain = verify_chain(session)
    halts = session.scalars(select(Halt).order_by(Halt.number))
    return {
        "as_of": day.isoformat(),
        "approved_by_their_maker": [*own],
        "actions": [
            {"actor": actor, "action": action, "count": count}
            for (actor, action), count in sorted(acted.items())
        ],
        "halts": [_row(halt) for halt in halts],
        "audit": asdict(chain),
    }


def _audit(session: Session) -> bytes:
    lines = session.scalars(select(AuditEntry).order_by(AuditEntry.sequence))
    return "".join(f"{canonical_json(_row(line))}\n" for line in lines).encode()


def _csv(columns: Iterable[str], rows: Iterable[Any]) -> bytes:
    return table(tuple(columns), rows).encode()


def _names(kind: type[Any], but: str = "") -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind) if item.name != but)


def _columns(kind: type[Base]) -> tuple[str, ...]:
    return tuple(kind.__table__.columns.keys())


def _row(record: Base) -> dict[str, Any]:
    return {name: _plain(getattr(record, name)) for name in _columns(type(record))}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return veiled(value)  # who gets the pack gets no sealed value
    return value.isoformat() if isinstance(value, date) else value
