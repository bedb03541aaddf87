"""The rows that steps of a delivery read and write: one statement for all rows of a kind.

SQLAlchemy's unit of work sends one for each set of columns that changed. Steps of several kinds in
one transaction change different ones, and so nearly each row became a statement of its own.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Executable, Row, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from reconcilers.corrections.delivery import STOPPED, Order, Outcome
from reconcilers.corrections.outbox_row import OutboxRow
from reconcilers.state.models import Attempt, CorrectionRecord

EXCERPT = 500
_CORRECTIONS = cast("Table", CorrectionRecord.__table__)
_ATTEMPTS = cast("Table", Attempt.__table__)


_READ = [_CORRECTIONS.c[each.name] for each in fields(OutboxRow)]
_CHANGING = ("state", "state_reason", "changed_at", "claimed_by", "claimed_at", "writes",
             "refusals", "sent_at", "accepted_at", "target_record_id")  # fmt: skip
_ENDING = ("finished_at", "outcome", "error_class", "status", "request_id", "body_excerpt")

_LOCK = (
    select(*_READ)
    .where(_CORRECTIONS.c.correction_id.in_(bindparam("ids", expanding=True)))
    .order_by(_CORRECTIONS.c.correction_id)  # in one order, so that no two cross
    .with_for_update()
)
_EARLIER = select(
    _ATTEMPTS.c.correction_id,
    _ATTEMPTS.c.number,
    _ATTEMPTS.c.outcome,
    _ATTEMPTS.c.write_started_at,
).where(_ATTEMPTS.c.correction_id.in_(bindparam("ids", expanding=True)))
_CHANGE = (
    update(_CORRECTIONS)
    .where(_CORRECTIONS.c.correction_id == bindparam("of"))
    .values({name: bindparam(name) for name in _CHANGING})
)
_BEGIN = insert(_ATTEMPTS)
_THIS = (_ATTEMPTS.c.correction_id == bindparam("of"), _ATTEMPTS.c.number == bindparam("nth"))
_CALL = update(_ATTEMPTS).where(*_THIS).values(write_started_at=bindparam("at"))
_END = update(_ATTEMPTS).where(*_THIS).values({name: bindparam(name) for name in _ENDING})
_EARLIER_ONES = (
    _ATTEMPTS.c.correction_id == bindparam("of"),
    _ATTEMPTS.c.number < bindparam("nth"),
)
_CLOSE = (
    update(_ATTEMPTS)
    .where(*_EARLIER_ONES, _ATTEMPTS.c.finished_at.is_(None))
    .values(finished_at=bindparam("at"), outcome=STOPPED)
)


class Rows:
    """The corrections of one transaction, locked; what becomes of them is written by `write`.

    `earlier` are the attempts so far of those that are to be claimed.
    """

    def __init__(self, session: Session, ids: Collection[str], claimed: Collection[str]) -> None:
        self._session = session
        self._attempts: defaultdict[Executable, list[dict[str, Any]]] = defaultdict(list)
        self.corrections: dict[str, OutboxRow] = {
            row.correction_id: OutboxRow(**row._asdict())
            for row in session.execute(_LOCK, {"ids": list(ids)})
        }
        self.earlier: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for attempt in session.execute(_EARLIER, {"ids": list(claimed)}):
            self.earlier[attempt.correction_id].append(attempt)

    def begin(self, order: Order, at: datetime) -> None:
        """A new attempt; earlier ones that a dead worker did not bring to an end are over."""
        self._attempts[_BEGIN].append(
            {
                "correction_id": order.correction_id,
                "number": order.number,
                "kind": order.kind,
                "claimed_by": order.claimed_by,
                "started_at": at,
            }
        )
        if order.number > 1:
            self._at(_CLOSE, order, at=at)

    def call(self, order: Order, at: datetime) -> None:
        """The attempt calls its target."""
        self._at(_CALL, order, at=at)

    def end(self, order: Order, outcome: Outcome, at: datetime) -> None:
        """What came of the attempt."""
        self._at(
            _END,
            order,
            finished_at=at,
            outcome=outcome.outcome,
            error_class=outcome.error_class,
            status=outcome.status,
            request_id=outcome.request_id,
            body_excerpt=(outcome.body_excerpt or "")[:EXCERPT] or None,
        )

    def _at(self, statement: Executable, order: Order, **values: Any) -> None:
        self._attempts[statement].append({"of": order.correction_id, "nth": order.number, **values})

    def write(self) -> None:
        """Send it all, inside the caller's transaction."""
        if self.corrections:
            rows = [_as_it_stands(one) for one in self.corrections.values()]
            self._session.execute(_CHANGE, rows)
        for statement, rows in self._attempts.items():
            self._session.execute(statement, rows)


def _as_it_stands(row: OutboxRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _CHANGING}
    return {"of": row.correction_id, **values}
