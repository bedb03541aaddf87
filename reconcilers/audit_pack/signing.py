"""Who prepared and who reviewed a night, in the audit itself: append-only, and never one person."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.state.audit import append_audit, lock_head
from reconcilers.state.models import AuditEntry, Night
from reconcilers.state.store import State

ROLES = ("preparer", "reviewer")
SIGNED = "sign_off"


class SignOffRefusedError(RuntimeError):
    """The night cannot be signed by this person, or not yet; the words say why."""


@dataclass(frozen=True)
class SignOff:
    """One person's word on a night, and the findings that it was given for.

    `is_current`: the night still has those findings; a later replay that found others voids it.
    """

    snapshot_date: date
    role: str
    actor: str
    statement: str
    signed_at: datetime
    findings_sha256: str
    is_current: bool


def sign_off(
    state: State, day: date, role: str, statement: str, *, actor: str, at: datetime | None = None
) -> SignOff:
    """Sign a recorded night; the reviewer says what was looked at.

    Raises SignOffRefusedError: no such night, no statement, not prepared yet, or the same person.
    """
    if not statement.strip():
        asked = "what was looked at" if role == "reviewer" else "what was done"
        raise SignOffRefusedError(f"a sign-off says {asked}")
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        lock_head(session)  # two who sign at once come one after the other
        night = session.get(Night, day)
        if night is None:
            raise SignOffRefusedError(f"the night of {day} was not recorded")
        _require_other(_of(session, day), day, role, actor)
        body = {"role": role, "statement": statement, "findings_sha256": night.findings_sha256}
        append_audit(
            session, actor=actor, action=SIGNED, subject=day.isoformat(), body=body, at=moment
        )
        session.flush()
        return _of(session, day)[-1]


def sign_offs(state: State, day: date) -> list[SignOff]:
    """Every sign-off of a night, in the order in which they were given."""
    with state.read() as session:
        return _of(session, day)


def _of(session: Session, day: date) -> list[SignOff]:
    query = (
        select(AuditEntry)
        .where(AuditEntry.action == SIGNED, AuditEntry.subject == day.isoformat())
        .order_by(AuditEntry.sequence)
    )
    night = session.get(Night, day)
    return [
        _read(line, day, night.findings_sha256 if night else "") for line in session.scalars(query)
    ]


def _read(line: AuditEntry, day: date, findings_sha256: str) -> SignOff:
    return SignOff(
        snapshot_date=day,
        actor=line.actor,
        signed_at=line.at,
        is_current=line.body["findings_sha256"] == findings_sha256,
        **line.body,
    )


def _require_other(given: list[SignOff], day: date, role: str, actor: str) -> None:
    if role not in ROLES:
        raise SignOffRefusedError(f"{role!r} is no role; it is one of {' or '.join(ROLES)}")
    by = {each.role: each.actor for each in given if each.is_current}
    if role in by:
        raise SignOffRefusedError(f"{by[role]} signed the night of {day} as its {role} already")
    if role == "reviewer" and "preparer" not in by:
        raise SignOffRefusedError(f"nobody prepared the night of {day} yet")
    if actor in by.values():
        raise SignOffRefusedError(f"{actor} prepared it: somebody else has to review it")
