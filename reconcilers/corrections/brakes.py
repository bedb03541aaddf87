"""What stops dispatch although a correction is approved: a person's halt, and spent budgets.

Asked in the transaction that persists the intent to call, so that no two dispatchers can together
send more than one of them might, and a halt holds from the next call on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import ColumnElement, bindparam, case, func, select
from sqlalchemy.orm import Session

from reconcilers.corrections.budget import Budget, Budgets, Use
from reconcilers.corrections.outbox_row import OutboxRow
from reconcilers.state.audit import append_audit, lock_head
from reconcilers.state.models import Attempt, CorrectionRecord, Halt
from reconcilers.state.store import State

SUBJECT = "dispatch"
LONGEST_RUN = timedelta(days=2)

# Whose customer is not known counts as a customer of its own.
_CUSTOMER = func.coalesce(CorrectionRecord.canonical_id, CorrectionRecord.exception_key)
_AMOUNT = func.abs(func.coalesce(CorrectionRecord.impact_reporting_minor, 0))
_SENT = (
    select(
        Attempt.correction_id,
        func.max(case((Attempt.claimed_by == bindparam("run"), 1), else_=0)).label("in_run"),
        func.max(case((Attempt.write_started_at >= bindparam("midnight"), 1), else_=0)).label(
            "in_day"
        ),
    )
    .where(Attempt.write_started_at >= bindparam("recent"))
    .group_by(Attempt.correction_id)
    .subquery()
)


def _measures(is_in: ColumnElement[int]) -> tuple[ColumnElement[int], ...]:
    """Those of `Use`, over what is in a scope."""
    of_them = case((is_in == 1, _CUSTOMER)).distinct()
    return func.sum(is_in), func.sum(is_in * _AMOUNT), func.count(of_them)


# Asked at each call, of all that was sent: one pass for both scopes, and composed once.
_USES = select(*_measures(_SENT.c.in_run), *_measures(_SENT.c.in_day)).where(
    CorrectionRecord.correction_id == _SENT.c.correction_id
)


class StoppedError(RuntimeError):
    """Nothing more may be sent now; the words say why and what to do."""


class HaltRefusedError(RuntimeError):
    """There is nothing to halt or to resume, or it was not said why."""


@dataclass(frozen=True)
class HaltView:
    """A halt that holds."""

    halted_at: datetime
    halted_by: str
    reason: str

    def __str__(self) -> str:
        return (
            f"halted by {self.halted_by} on {self.halted_at:%Y-%m-%d %H:%M} UTC ({self.reason}); "
            "`tieout corrections resume` lets it go on"
        )


def halt(state: State, actor: str, reason: str, at: datetime | None = None) -> HaltView:
    """Let no write go out from now on, over all runs and machines, until somebody resumes."""
    moment = at or datetime.now(UTC)
    if not reason.strip():
        raise HaltRefusedError("a halt needs a reason")
    with state.begin() as session:
        if found := _halt(session):
            raise HaltRefusedError(f"dispatch is already {_view(found)}")
        number = session.scalar(select(func.coalesce(func.max(Halt.number), 0)))
        made = Halt(number=(number or 0) + 1, halted_at=moment, halted_by=actor, reason=reason)
        session.add(made)
        _audit(session, "halt", actor, reason, moment)
        return _view(made)


def resume(state: State, actor: str, comment: str, at: datetime | None = None) -> HaltView:
    """Let dispatch go on; returns the halt that ended."""
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        found = _halt(session)
        if found is None:
            raise HaltRefusedError("dispatch is not halted")
        found.resumed_at, found.resumed_by = moment, actor
        _audit(session, "resume", actor, comment, moment)
        return _view(found)


def halted(state: State) -> HaltView | None:
    """The halt that holds now."""
    with state.read() as session:
        found = _halt(session)
        return _view(found) if found else None


class Leave:
    """Whether corrections may be sent now, asked one after the other in one transaction.

    `wanted` are all that will be asked for, locked by the caller; `run` is the claim of the
    dispatch run. Whoever asks in another transaction waits for ours.
    """

    def __init__(
        self,
        session: Session,
        wanted: Sequence[OutboxRow],
        run: str,
        now: datetime,
        budgets: Budgets,
    ) -> None:
        lock_head(session)
        self._halt = _halt(session)
        midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        today = Attempt.write_started_at >= midnight
        recent = Attempt.write_started_at >= now - LONGEST_RUN
        asked = {"run": run, "midnight": midnight, "recent": now - LONGEST_RUN}
        told = [int(measure or 0) for measure in session.execute(_USES, asked).one()]
        in_run, in_day = Use(*told[:3]), Use(*told[3:])
        ours = (Attempt.claimed_by == run) & recent
        self._spent = (
            _Spent(session, wanted, "run", budgets.run, use=in_run, scope=ours),
            _Spent(session, wanted, "day", budgets.day, use=in_day, scope=today),
        )

    def require(self, record: OutboxRow) -> None:
        """Raise when this correction must not be sent now; else it counts as sent from here on."""
        if self._halt:
            raise StoppedError(str(_view(self._halt)))
        for spent in self._spent:
            spent.require(record)
        for spent in self._spent:
            spent.add(record)


class _Spent:
    """What was sent in a scope; a correction that is sent twice counts once.

    Which ones were is asked only where the budget might not do for all that are wanted.
    """

    def __init__(
        self,
        session: Session,
        wanted: Sequence[OutboxRow],
        name: str,
        budget: Budget,
        *,
        use: Use,
        scope: ColumnElement[bool],
    ) -> None:
        self._name, self._budget, self._use = name, budget, use
        self._ids: set[str] = set()
        self._customers: set[str] = set()
        self._is_ample = budget.overdrawn_by(self._use_with_all(wanted)) is None
        if not self._is_ample:
            ids = [record.correction_id for record in wanted]
            sent = select(Attempt.correction_id).where(scope)
            self._ids.update(session.scalars(sent.where(Attempt.correction_id.in_(ids))))
            was_sent = CorrectionRecord.correction_id.in_(sent)
            theirs = _CUSTOMER.in_({_customer(record) for record in wanted})
            self._customers.update(session.scalars(select(_CUSTOMER).where(was_sent, theirs)))

    def require(self, record: OutboxRow) -> None:
        if self._is_ample:
            return
        if words := self._budget.overdrawn_by(self._use_with(record)):
            raise StoppedError(
                f"the budget of the {self._name} is spent: this call would make it {words}; "
                "look at what was sent, then raise [policy.budget] or wait"
            )

    def add(self, record: OutboxRow) -> None:
        self._use = self._use_with(record)
        self._ids.add(record.correction_id)
        self._customers.add(_customer(record))

    def _use_with_all(self, wanted: Sequence[OutboxRow]) -> Use:
        """What it comes to at most: none of them was sent before, nor to a customer known here."""
        return Use(
            rows=self._use.rows + len(wanted),
            amount_minor=self._use.amount_minor
            + sum(abs(record.impact_reporting_minor or 0) for record in wanted),
            customers=self._use.customers + len({_customer(record) for record in wanted}),
        )

    def _use_with(self, record: OutboxRow) -> Use:
        if record.correction_id in self._ids:
            return self._use
        return Use(
            rows=self._use.rows + 1,
            amount_minor=self._use.amount_minor + abs(record.impact_reporting_minor or 0),
            customers=self._use.customers + (_customer(record) not in self._customers),
        )


def _customer(record: OutboxRow) -> str:
    return record.exception_key if record.canonical_id is None else record.canonical_id


def _halt(session: Session) -> Halt | None:
    return session.scalar(select(Halt).where(Halt.resumed_at.is_(None)))


def _view(found: Halt) -> HaltView:
    return HaltView(found.halted_at, found.halted_by, found.reason)


def _audit(session: Session, action: str, actor: str, reason: str, at: datetime) -> None:
    append_audit(
        session, actor=actor, action=action, subject=SUBJECT, body={"reason": reason}, at=at
    )
