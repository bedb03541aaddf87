"""Waivers: two people accept an exception for a time, while its money stays what they saw."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.refolding import newest_night, refold
from reconcilers.state.audit import append_audit
from reconcilers.state.models import ExceptionRecord, Waiver

LONGEST = timedelta(days=90)


class WaiverRefusedError(ValueError):
    """The waiver lacks what every waiver must have."""


def waive(
    session: Session,
    exception_keys: Iterable[str],
    *,
    author: str,
    approver: str,
    reason: str,
    expires_on: date,
    at: datetime | None = None,
) -> int:
    """Waive open exceptions from the newest night to `expires_on` (at most 90 days on).

    Lapses by itself at expiry, or when the impact leaves the band around what it is now. Waived
    money stays in every total. Returns how many exceptions are waived. Raises WaiverRefusedError.
    """
    moment = at or datetime.now(UTC)
    if not reason.strip() or not author.strip() or not approver.strip():
        raise WaiverRefusedError("a waiver needs an author, an approver and a reason")
    if author == approver:
        raise WaiverRefusedError(f"{author} wrote the waiver and cannot approve it")
    today = newest_night(session)
    if today is None or not today <= expires_on <= today + LONGEST:
        raise WaiverRefusedError(
            f"a waiver ends between the newest night ({today}) and {LONGEST.days} days later"
        )
    for key in sorted(set(exception_keys)):
        waiver = _waiver(session, key, today, expires_on)
        waiver.author, waiver.approver = author, approver
        waiver.reason, waiver.created_at = reason, moment
        session.add(waiver)
        append_audit(
            session,
            actor=author,
            action="waive",
            subject=key,
            body={
                "approver": approver,
                "reason": reason,
                "expires_on": expires_on.isoformat(),
            },
            at=moment,
        )
    session.flush()
    refold(session)
    return len(set(exception_keys))


def _waiver(session: Session, key: str, today: date, expires_on: date) -> Waiver:
    record = session.scalar(
        select(ExceptionRecord).where(
            ExceptionRecord.exception_key == key,
            ExceptionRecord.resolved_on.is_(None),
        )
    )
    if record is None:
        raise WaiverRefusedError(f"no open exception has the key {key}")
    identity = f"{key}|{today}|{expires_on}|{record.impact_reporting_minor}"
    return Waiver(
        waiver_id=f"wai_{sha256(identity.encode()).hexdigest()[:20]}",
        exception_key=key,
        valid_from=today,
        expires_on=expires_on,
        impact_reporting_minor=record.impact_reporting_minor,
    )
