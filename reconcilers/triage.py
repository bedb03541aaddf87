"""What people say of exceptions: whose they are, what is known, and that one may stand for a time.

Every word is a line of the audit, where nobody can change it; what holds now is read from there. A
waiver takes two: one asks for it, another grants it. Nobody closes an exception by a word: only a
later night does.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from reconcilers.state.audit import append_audit, lock_head
from reconcilers.state.models import AuditEntry, ExceptionRecord
from reconcilers.state.store import State
from reconcilers.waivers import waive

ASSIGN, COMMENT, ASK, GRANT = "assign", "comment", "ask_waiver", "waive"
WORDS = (ASSIGN, COMMENT, ASK, GRANT)
ASKED_HOLDS = timedelta(days=14)  # then the exception may be another one than was looked at


class TriageRefusedError(ValueError):
    """The word cannot be taken; the text says why."""


@dataclass(frozen=True)
class Asked:
    """A waiver that somebody asked for and nobody has granted yet."""

    by: str
    reason: str
    expires_on: date
    impact_reporting_minor: int | None
    at: datetime


@dataclass(frozen=True)
class Standing:
    """What people have said of one exception; `comments` are the newest last, with their author."""

    assignee: str = ""
    comments: tuple[str, ...] = ()
    asked: Asked | None = None

    @property
    def asked_at(self) -> datetime | None:
        return self.asked.at if self.asked else None


@dataclass(frozen=True)
class Seen:
    """What a word on an exception rests on: its money, and when the waiver was asked for."""

    impact_reporting_minor: int | None
    asked_at: datetime | None = None


@dataclass(frozen=True)
class Said:
    """One person's word on exceptions, by whole keys."""

    keys: tuple[str, ...]
    actor: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def assign(session: Session, said: Said, to: str) -> int:
    """Say whose the exceptions are from now on; how many. Raises TriageRefusedError."""
    return _say(session, said, ASSIGN, {"to": _given(to, "an assignee")})


def comment(session: Session, said: Said, text: str) -> int:
    """Keep what is known of the exceptions; how many. Raises TriageRefusedError."""
    return _say(session, said, COMMENT, {"text": _given(text, "a text")})


def ask_waiver(session: Session, said: Said, expires_on: date, reason: str) -> int:
    """Ask that the exceptions may stand until a day; somebody else grants it.

    Raises TriageRefusedError.
    """
    body = {"expires_on": expires_on.isoformat(), "reason": _given(reason, "a reason")}
    return _say(session, said, ASK, body)


def grant_waiver(session: Session, said: Said) -> int:
    """Grant what somebody else asked for in the last days; what one asked for is granted whole.

    Raises TriageRefusedError, and WaiverRefusedError where the waiver itself cannot be.
    """
    lock_head(session)
    standing, money = _standings(session, said.keys), _open(session, said.keys)
    granted: dict[Asked, list[str]] = defaultdict(list)
    for key in said.keys:
        asked = standing.get(key, Standing()).asked
        if asked is None or said.at - asked.at > ASKED_HOLDS:
            raise TriageRefusedError(f"nobody asked for a waiver of {key} in the last days")
        if asked.by == said.actor:
            raise TriageRefusedError(
                f"{asked.by} asked for the waiver of {key} and cannot grant it"
            )
        if asked.impact_reporting_minor != money[key]:
            raise TriageRefusedError(f"the money of {key} is another one since; ask again")
        granted[asked].append(key)
    return sum(
        waive(
            session,
            keys,
            author=asked.by,
            approver=said.actor,
            reason=asked.reason,
            expires_on=asked.expires_on,
            at=said.at,
        )
        for asked, keys in granted.items()
    )


def require_seen(session: Session, seen: Mapping[str, Seen]) -> None:
    """Refuse where an exception's money or waiver is no longer the one that a person looked at.

    Raises TriageRefusedError.
    """
    lock_head(session)
    for key, now in seen_now(session, _open(session, seen)).items():
        if now.impact_reporting_minor != seen[key].impact_reporting_minor:
            raise TriageRefusedError(f"the money of {key} is another one since; look again")
        if now.asked_at != seen[key].asked_at:
            raise TriageRefusedError(f"the waiver asked for of {key} is another one; look again")


def seen_now(session: Session, money: Mapping[str, int | None]) -> dict[str, Seen]:
    """What there is to be seen of exceptions that have this money."""
    standing = _standings(session, money.keys())
    return {
        key: Seen(impact, standing.get(key, Standing()).asked_at) for key, impact in money.items()
    }


def standings(state: State, keys: Collection[str] | None = None) -> Mapping[str, Standing]:
    """What holds now, by exception, of all or of some; none where nobody said anything."""
    with state.read() as session:
        return _standings(session, keys)


def _standings(session: Session, keys: Collection[str] | None = None) -> Mapping[str, Standing]:
    query = select(AuditEntry).where(AuditEntry.action.in_(WORDS)).order_by(AuditEntry.sequence)
    if keys is not None:
        query = query.where(AuditEntry.subject.in_(keys))
    found: dict[str, Standing] = {}
    for line in session.scalars(query):
        found[line.subject] = _after(found.get(line.subject, Standing()), line)
    return found


def _after(standing: Standing, line: AuditEntry) -> Standing:
    body: Mapping[str, Any] = line.body
    if line.action == ASSIGN:
        return replace(standing, assignee=body["to"])
    if line.action == COMMENT:
        told = f"{line.actor}, {line.at:%Y-%m-%d}: {body['text']}"
        return replace(standing, comments=(*standing.comments, told))
    if line.action == GRANT:
        return replace(standing, asked=None)
    asked = Asked(
        by=line.actor,
        reason=body["reason"],
        expires_on=date.fromisoformat(body["expires_on"]),
        impact_reporting_minor=body["impact_reporting_minor"],
        at=line.at,
    )
    return replace(standing, asked=asked)


def _say(session: Session, said: Said, action: str, body: Mapping[str, Any]) -> int:
    found = _open(session, said.keys)
    for key, impact in found.items():
        seen = {"impact_reporting_minor": impact} if action == ASK else {}
        append_audit(
            session,
            actor=said.actor,
            action=action,
            subject=key,
            body={**body, **seen},
            at=said.at,
        )
    return len(found)


def _open(session: Session, keys: Iterable[str]) -> dict[str, int | None]:
    """The exceptions with their money, in the order of their keys; none of them is closed."""
    wanted = sorted(set(keys))
    query = select(ExceptionRecord.exception_key, ExceptionRecord.impact_reporting_minor).where(
        ExceptionRecord.exception_key.in_(wanted), ExceptionRecord.resolved_on.is_(None)
    )
    known = dict(session.execute(query).tuples().all())
    for key in wanted:
        if key not in known:
            raise TriageRefusedError(f"no open exception has the key {key}")
    return {key: known[key] for key in wanted}


def _given(text: str, what: str) -> str:
    if not text.strip():
        raise TriageRefusedError(f"it needs {what}")
    return text.strip()
