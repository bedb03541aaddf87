"""The queue of exceptions and the outbox by the page: filtered, sorted, counted in the store.

What is asked for here stays fast with tens of thousands of exceptions; whole lists are in
state/views.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from reconcilers.corrections.policy import Policy
from reconcilers.state.models import AuditEntry, CorrectionRecord, ExceptionRecord
from reconcilers.state.store import State
from reconcilers.state.views import AuditView, CorrectionView, ExceptionView, as_view
from reconcilers.triage import ASK, ASKED_HOLDS, ASSIGN, GRANT, Seen, seen_now

E = ExceptionRecord
View = TypeVar("View")
Order = Literal["gravity", "money", "age", "newest"]
ORDERS: tuple[Order, ...] = ("gravity", "money", "age", "newest")
_MONEY = func.abs(func.coalesce(E.impact_reporting_minor, 0))
_IS_OPEN = E.state == "OPEN"
_ORDERS: dict[str, tuple[ColumnElement[Any], ...]] = {
    "gravity": (E.severity.asc(), _MONEY.desc()),
    "money": (_MONEY.desc(), E.severity.asc()),
    "age": (E.age_days.desc(), E.severity.asc()),
    "newest": (E.opened_on.desc(), E.severity.asc()),
}
# As people read states: kinds of OPEN are told apart in the order of ExceptionView.label.
STATES: dict[str, ColumnElement[bool]] = {
    "OPEN": _IS_OPEN,
    "EXPLAINED": and_(_IS_OPEN, E.explained_by.is_not(None)),
    "INEFFECTIVE": and_(_IS_OPEN, E.explained_by.is_(None), E.is_ineffective),
    "REOPENED": and_(_IS_OPEN, E.explained_by.is_(None), ~E.is_ineffective, E.episode > 1),
    "WAIVED": E.state == "WAIVED",
    "RESOLVED_SELF": E.state == "RESOLVED_SELF",
    "RESOLVED_VERIFIED": E.state == "RESOLVED_VERIFIED",
    "ALL": true(),
}


@dataclass(frozen=True)
class ExceptionFilter:
    """Which exceptions; empty parts ask for nothing.

    `min_reporting_minor` is in minor units of the reporting currency; `assignee` is who has to act:
    the person assigned, else whom the policy names. `text` is looked for in keys, ids and causes.
    """

    state: str = "OPEN"
    code: str = ""
    severity: str = ""
    entity: str = ""
    legal_entity: str = ""
    system: str = ""
    assignee: str = ""
    min_age_days: int | None = None
    min_reporting_minor: int | None = None
    text: str = ""
    asked: bool = False
    order: Order = "gravity"


@dataclass(frozen=True)
class CorrectionFilter:
    """Which corrections; empty parts ask for nothing. `text` is looked for in ids and reasons."""

    state: str = ""
    code: str = ""
    system: str = ""
    severity: str = ""
    assignee: str = ""
    text: str = ""


@dataclass(frozen=True)
class AuditFilter:
    """Which lines of the audit; empty parts ask for nothing."""

    actor: str = ""
    action: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Page(Generic[View]):
    """Some rows of `total`; `reporting_minor` is the absolute money of all of them."""

    rows: tuple[View, ...]
    total: int
    reporting_minor: int = 0


@dataclass(frozen=True)
class Choices:
    """What there is to choose from, each in order."""

    codes: tuple[str, ...]
    entities: tuple[str, ...]
    legal_entities: tuple[str, ...]
    systems: tuple[str, ...]
    assignees: tuple[str, ...]


def exceptions_page(
    state: State, wanted: ExceptionFilter, policy: Policy, *, offset: int = 0, limit: int = 50
) -> Page[ExceptionView]:
    """A page of the queue. What another exception explains adds nothing to the money."""
    where = _exceptions(wanted, policy)
    counted = case((E.explained_by.is_(None), _MONEY), else_=0)
    order = (*_ORDERS[wanted.order], E.exception_key)
    # keys alone are sorted: whole rows made a page far down the list take ten times as long
    keys = select(E.exception_key).where(*where).order_by(*order).offset(offset).limit(limit)
    sums = select(func.count(), func.coalesce(func.sum(counted), 0)).where(*where)
    with state.read() as session:
        shown = select(E).where(E.exception_key.in_(session.scalars(keys).all())).order_by(*order)
        return _page(session, ExceptionView, shown, sums)


def matching(state: State, wanted: ExceptionFilter, policy: Policy, limit: int) -> dict[str, Seen]:
    """The first `limit` exceptions of a filter, by key, with what there is to be seen of them."""
    query = select(E.exception_key, E.impact_reporting_minor).where(*_exceptions(wanted, policy))
    with state.read() as session:
        ranked = query.order_by(*_ORDERS[wanted.order], E.exception_key).limit(limit)
        return seen_now(session, dict(session.execute(ranked).tuples().all()))


def choices(state: State, policy: Policy) -> Choices:
    """The values that filters of the queue can have now."""
    columns = (E.code, E.entity, E.legal_entity, E.owner_system)
    with state.read() as session:
        codes, entities, legal, systems = (
            tuple(sorted(filter(None, session.scalars(select(each).distinct()))))
            for each in columns
        )
        query = select(AuditEntry.body).distinct().where(AuditEntry.action == ASSIGN)
        said: Iterable[Mapping[str, str]] = session.scalars(query)
        assigned = {body["to"] for body in said}
    named = {rule.assignee for rule in policy.rules.values()}
    return Choices(codes, entities, legal, systems, tuple(sorted(assigned | named)))


def corrections_page(
    state: State, wanted: CorrectionFilter, *, offset: int = 0, limit: int = 50
) -> Page[CorrectionView]:
    """A page of the outbox, what is dearest first within the newest plans."""
    record = CorrectionRecord
    equal = ("state", "code", "system", "severity", "assignee")
    where = [getattr(record, name) == value for name in equal if (value := getattr(wanted, name))]
    searched = (record.correction_id, record.exception_key, record.record_id, record.reason)
    where += _holds(searched, wanted.text)
    money = func.abs(func.coalesce(record.impact_reporting_minor, 0))
    order = (record.snapshot_date.desc(), money.desc(), record.correction_id)
    rows = select(record).where(*where).order_by(*order).offset(offset).limit(limit)
    sums = select(func.count(), func.coalesce(func.sum(money), 0)).where(*where)
    with state.read() as session:
        return _page(session, CorrectionView, rows, sums)


def corrections_of(state: State, keys: Iterable[str]) -> dict[str, CorrectionView]:
    """The newest correction of each of these exceptions, where there is one."""
    record = CorrectionRecord
    query = (
        select(record)
        .where(record.exception_key.in_(list(keys)))
        .order_by(record.planned_at, record.correction_id)
    )
    with state.read() as session:
        return {
            each.exception_key: as_view(CorrectionView, each) for each in session.scalars(query)
        }


def audit_page(
    state: State, wanted: AuditFilter, *, offset: int = 0, limit: int = 50
) -> Page[AuditView]:
    """A page of the audit, the newest line first; a subject may be given by its beginning."""
    where: list[ColumnElement[bool]] = []
    if wanted.actor:
        where.append(AuditEntry.actor == wanted.actor)
    if wanted.action:
        where.append(AuditEntry.action == wanted.action)
    if wanted.subject:
        where.append(AuditEntry.subject.startswith(wanted.subject, autoescape=True))
    order = AuditEntry.sequence.desc()
    rows = select(AuditEntry).where(*where).order_by(order).offset(offset).limit(limit)
    sums = select(func.count(AuditEntry.sequence), literal(0)).where(*where)
    with state.read() as session:
        return _page(session, AuditView, rows, sums)


def audit_actions(state: State) -> tuple[str, ...]:
    """What the audit knows of, in order."""
    with state.read() as session:
        return tuple(sorted(session.scalars(select(AuditEntry.action).distinct())))


def _page(
    session: Session, kind: type[View], rows: Select[Any], sums: Select[int, int]
) -> Page[View]:
    total, minor = session.execute(sums).one()
    return Page(tuple(as_view(kind, each) for each in session.scalars(rows)), total, int(minor))


def _exceptions(wanted: ExceptionFilter, policy: Policy) -> list[ColumnElement[bool]]:
    where = [STATES[wanted.state]]
    equal = {
        E.code: wanted.code,
        E.severity: wanted.severity,
        E.entity: wanted.entity,
        E.legal_entity: wanted.legal_entity,
    }
    where += [column == value for column, value in equal.items() if value]
    if wanted.system:
        where.append(or_(E.owner_system == wanted.system, E.replica_system == wanted.system))
    if wanted.min_age_days is not None:
        where.append(E.age_days >= wanted.min_age_days)
    if wanted.min_reporting_minor is not None:
        where.append(wanted.min_reporting_minor <= _MONEY)
    if wanted.assignee:
        where.append(_acts(wanted.assignee, policy))
    if wanted.asked:
        where.append(E.exception_key.in_(_asked()))
    searched = (
        E.exception_key, E.owner_id, E.replica_id, E.canonical_id, E.correlation_id, E.cause
    )  # fmt: skip
    return where + _holds(searched, wanted.text)


def _holds(columns: Sequence[Any], text: str) -> list[ColumnElement[bool]]:
    """That one of the columns holds the text, whatever its case."""
    word = text.strip()
    return [or_(*(each.icontains(word, autoescape=True) for each in columns))] if word else []


def _acts(assignee: str, policy: Policy) -> ColumnElement[bool]:
    """Whether somebody has to act on an exception: said by a person, else by the policy."""
    said = select(AuditEntry.subject).where(AuditEntry.action == ASSIGN)
    to_them = _newest((ASSIGN,)).where(AuditEntry.body == {"to": assignee})
    by_policy = or_(false(), *_named(assignee, policy))
    return or_(E.exception_key.in_(to_them), and_(by_policy, E.exception_key.not_in(said)))


def _named(assignee: str, policy: Policy) -> Iterable[ColumnElement[bool]]:
    """The classes and causes that the policy gives to somebody."""
    for (code, cause), rule in policy.rules.items():
        if rule.assignee == assignee and cause is not None:
            yield and_(E.code == code, E.cause == cause)
        elif rule.assignee == assignee:
            others = [each for known, each in policy.rules if known == code and each is not None]
            yield and_(E.code == code, func.coalesce(E.cause, "").not_in(others))


def _asked() -> Select[str]:
    """Exceptions for which a waiver was asked that nobody has granted, and that still holds."""
    since = datetime.now(UTC) - ASKED_HOLDS
    return _newest((ASK, GRANT)).where(AuditEntry.action == ASK, AuditEntry.at >= since)


def _newest(words: Sequence[str]) -> Select[str]:
    """The subjects of the newest words of their kind."""
    later = aliased(AuditEntry)
    overruled = select(later.sequence).where(
        later.subject == AuditEntry.subject,
        later.action.in_(words),
        later.sequence > AuditEntry.sequence,
    )
    return select(AuditEntry.subject).where(AuditEntry.action.in_(words), ~overruled.exists())
