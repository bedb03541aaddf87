"""The append-only audit: every decision and every write, each line's hash over the one before."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.canonical import canonical_json
from reconcilers.state.models import AuditEntry, AuditHead
from reconcilers.state.store import State

GENESIS = "0" * 64
CHAIN = "main"


@dataclass(frozen=True)
class ChainVerdict:
    """Whether the audit is whole; if not, the first line at which it breaks and why."""

    holds: bool
    entries: int
    head_sha256: str
    broken_at: int | None = None
    problem: str | None = None


def append_audit(
    session: Session, *, actor: str, action: str, subject: str, body: Any, at: datetime
) -> None:
    """Add one line inside the caller's transaction. Bodies hold ids and masked values only."""
    head = lock_head(session)
    line = AuditEntry(
        sequence=head.sequence + 1,
        at=at.astimezone(UTC),
        actor=actor,
        action=action,
        subject=subject,
        body=body,
        previous_sha256=head.sha256,
        sha256="",
    )
    line.sha256 = _hash(line)
    head.sequence, head.sha256 = line.sequence, line.sha256
    session.add(line)


def lock_head(session: Session) -> AuditHead:
    """The end of the chain; nobody else appends to it before the caller's transaction ends."""
    known: AuditHead | None = session.info.get(CHAIN)
    if known is None:
        known = session.info[CHAIN] = session.get_one(AuditHead, CHAIN, with_for_update=True)
    return known


def verify_audit(state: State) -> ChainVerdict:
    """Recompute the whole chain. Finds edits, removals, insertions and a cut tail."""
    with state.read() as session:
        return verify_chain(session)


def verify_chain(session: Session) -> ChainVerdict:
    """As verify_audit, inside a transaction."""
    head = session.get_one(AuditHead, CHAIN)
    sequence, previous = 0, GENESIS
    for line in session.scalars(select(AuditEntry).order_by(AuditEntry.sequence)):
        problem = _problem(line, sequence + 1, previous)
        if problem:
            return ChainVerdict(
                holds=False,
                entries=sequence,
                head_sha256=previous,
                broken_at=line.sequence,
                problem=problem,
            )
        sequence, previous = line.sequence, line.sha256
    ends = (head.sequence, head.sha256)
    if ends != (sequence, previous):
        return ChainVerdict(
            holds=False,
            entries=sequence,
            head_sha256=previous,
            broken_at=sequence + 1,
            problem=f"the head names line {ends[0]}, the last line is {sequence}",
        )
    return ChainVerdict(holds=True, entries=sequence, head_sha256=previous)


def _problem(line: AuditEntry, expected_sequence: int, previous: str) -> str | None:
    if line.sequence != expected_sequence:
        return f"line {expected_sequence} is missing"
    if line.previous_sha256 != previous:
        return "does not follow from the line before"
    if line.sha256 != _hash(line):
        return "was changed after it was written"
    return None


def _hash(line: AuditEntry) -> str:
    text = canonical_json(
        [
            line.previous_sha256,
            line.sequence,
            line.at.isoformat(),
            line.actor,
            line.action,
            line.subject,
            line.body,
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()
