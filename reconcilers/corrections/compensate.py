"""Undoes what a target took: as a correction of its own, approved by another, sent the same way.

An update is undone by writing the before-image back, if what we wrote still stands. Since the ERP's
record API voids nothing, an invoice that we posted is undone by a credit memo over it, a journal by
one that reverses it. What was done to a document of billing is undone by what billing has for it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from reconcilers.corrections.billed_twice import taken_out
from reconcilers.corrections.correction import (
    UNDO_CREATION,
    UNDO_DEED,
    UNDO_END,
    UNDO_JOURNAL,
    UNDO_OF,
    UNDO_POSTING,
    UNDO_UPDATE,
    correction_id,
    correction_key,
)
from reconcilers.corrections.document import WHILE, Condition, nothing, stands
from reconcilers.corrections.erp_depositing import BOOKED
from reconcilers.corrections.erp_journal import reversed_lines
from reconcilers.corrections.journal_drafts import RECLASS, REVERSAL
from reconcilers.corrections.outbox import get_all, move, put_off_expiry
from reconcilers.corrections.policy import Mode
from reconcilers.corrections.states import CorrectionState
from reconcilers.corrections.verify import TAKEN
from reconcilers.state.audit import append_audit
from reconcilers.state.models import CorrectionRecord
from reconcilers.state.store import State

# By what each write of ours is undone. A write that is not here must never be automatic.
UNDONE_BY: Mapping[str, str] = {
    "link_crm_account": UNDO_UPDATE,
    "correct_customer_link": UNDO_UPDATE,
    "copy_subscription_status": UNDO_UPDATE,
    "copy_field": UNDO_UPDATE,
    "apply_erp_settlement": UNDO_UPDATE,
    "amend_erp_invoice": UNDO_UPDATE,
    "post_erp_invoice": UNDO_POSTING,
    "post_erp_journal": UNDO_JOURNAL,
    "finalize_draft": UNDO_DEED,
    "create_erp_customer": UNDO_CREATION,
    "create_crm_account": UNDO_CREATION,
    "end_billing_copy": UNDO_END,
    "post_erp_deposit": UNDO_JOURNAL,
    "ask_for_paper": UNDO_CREATION,
    "make_price": UNDO_CREATION,
    "revert_unsigned_edit": UNDO_UPDATE,
    "plan_subscription": UNDO_DEED,
    UNDO_UPDATE: UNDO_UPDATE,
    UNDO_CREATION: UNDO_UPDATE,
}
KEPT = (
    "snapshot_date",
    "code",
    "cause",
    "canonical_id",
    "system",
    "attribute",
    "watermark_object",
    "correlation_id",
    "impact_minor",
    "currency",
    "impact_reporting_minor",
    "severity",
    "assignee",
    "valid_hours",
)


class CompensationRefusedError(RuntimeError):
    """The correction cannot be undone by us; the words say why, and what to do instead."""


@dataclass(frozen=True)
class Compensation:
    """A proposed undo: what would be written, waiting for the yes of somebody else."""

    correction_id: str
    undoes: str
    target: str
    record_id: str
    payload: Mapping[str, Any]


def compensate(
    state: State, ids: Iterable[str], actor: str, comment: str, at: datetime | None = None
) -> list[Compensation]:
    """Propose the undo of accepted corrections: of all of them, or of none.

    `actor` is the maker, so another person approves: two of them where books are changed. An undo
    that was refused at the target, or not sent in time, is proposed again. Nothing is sent here.
    """
    moment = at or datetime.now(UTC)
    with state.begin() as session:
        return [_propose(session, r, actor, comment, moment) for r in get_all(session, ids)]


def _propose(
    session: Session, record: CorrectionRecord, actor: str, comment: str, at: datetime
) -> Compensation:
    _require_undoable(record)
    undo = _undo(record)
    known = session.get(CorrectionRecord, undo.correction_id)
    if known is None:
        session.add(undo)
    elif known.state in {CorrectionState.REFUSED, CorrectionState.SUPERSEDED}:
        move(session, known, CorrectionState.PROPOSED, actor=actor, reason=comment, at=at)
        undo, known.refusals = known, []
    else:
        raise CompensationRefusedError(
            f"{record.correction_id} has an undo already: {known.correction_id} is {known.state}"
        )
    undo.maker, undo.planned_at, undo.changed_at = actor, at, at
    put_off_expiry(undo, at)
    append_audit(
        session,
        actor=actor,
        action="compensate",
        subject=undo.correction_id,
        body={"undoes": record.correction_id, "comment": comment},
        at=at,
    )
    return Compensation(
        correction_id=undo.correction_id,
        undoes=record.correction_id,
        target=f"{undo.system}.{undo.object}",
        record_id=undo.record_id,
        payload=undo.payload,
    )


def _require_undoable(record: CorrectionRecord) -> None:
    name = record.correction_id
    if record.state not in TAKEN:
        raise CompensationRefusedError(
            f"{name} is {record.state}: only what a target took can be undone"
        )
    if record.action not in UNDONE_BY:
        raise CompensationRefusedError(
            f"{name} ({record.action}) cannot be undone from here; void {record.object} "
            f"{record.target_record_id or record.record_id} in {record.system} by hand"
        )
    is_made = record.operation == "create" or UNDONE_BY[record.action] in {
        UNDO_JOURNAL,
        UNDO_CREATION,
    }
    if is_made and not record.target_record_id:
        raise CompensationRefusedError(
            f"{name}: {record.system} did not say which record it became"
        )
    if UNDONE_BY[record.action] == UNDO_UPDATE and not record.before:
        raise CompensationRefusedError(f"{name} has no before-image; restore the field by hand")


def _undo(record: CorrectionRecord) -> CorrectionRecord:
    action = UNDONE_BY[record.action]
    what = _UNDOS[action](record)
    version = f"{UNDO_OF}{record.correction_id}"
    needs_two = action not in {UNDO_UPDATE, UNDO_CREATION} or record.mode == Mode.APPROVE_TWO
    key = correction_key(
        record.system,
        what["object"],
        what["record_id"],
        record.attribute,
        what["after"],
        version,
    )
    undo = CorrectionRecord(
        correction_id=correction_id(key),
        idempotency_key=key,
        # No night finds this exception: what an undo brings back is that of the correction undone.
        exception_key=sha256(version.encode()).hexdigest(),
        action=action,
        mode=(Mode.APPROVE_TWO if needs_two else Mode.APPROVE).value,
        expected_version=version,
        reason=f"undoes {record.correction_id}",
        evidence=f"undo/{record.correction_id}",
        state=CorrectionState.PROPOSED.value,
        refusals=[],
        writes=0,
        **{name: getattr(record, name) for name in KEPT},
        **what,
    )
    if action in {UNDO_POSTING, UNDO_JOURNAL}:
        undo.payload = {**undo.payload, "memo": f"tieout:{undo.correction_id}"}
    return undo


def _restoring(record: CorrectionRecord) -> dict[str, Any]:
    """The before-image again, where what we wrote still stands; written in the same way.

    What the image holds beside it was not written, and has to be so still.
    """
    how = {name: value for name, value in record.payload.items() if name not in record.after}
    before = record.before or {}
    former = {name: value for name, value in before.items() if name in record.after}
    still = {name: value for name, value in before.items() if name not in _moved(record.after)}
    return {
        "object": record.object,
        "record_id": record.record_id,
        "operation": "update",
        "before": {**still, **record.after},
        "after": record.before,
        "payload": {**former, **how},
    }


def _moved(after: Mapping[str, Any]) -> set[str]:
    """What the vendor changes along with what was written: it is not as it was before."""
    return {"cancel_at"} if after.get("cancel_at_period_end") else set()


# How a record that we made is put out of use; it is never deleted.
RETIRED: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "customer": ({"isInactive": False}, {"isInactive": True}),
    "price": ({"active": True}, {"active": False}),
    "Opportunity": ({"StageName": "Needs Paper"}, {"StageName": "Closed Lost"}),
    "Account": ({"Type": "Customer"}, {"Type": "Inactive", "Stripe_Customer_Id__c": None}),
}


def _retiring(record: CorrectionRecord) -> dict[str, Any]:
    """The record that we made out of use, where it still is in use as we made it."""
    before, after = RETIRED[record.object]
    kept = {name: record.payload[name] for name in after if name in record.payload}
    return {
        "object": record.object,
        "record_id": str(record.target_record_id),
        "operation": "update",
        "before": {**before, **kept},
        "after": after,
        "payload": after,
    }


def _crediting(record: CorrectionRecord) -> dict[str, Any]:
    """A credit memo over the whole document, where it still is the one that we posted."""
    external_id = f"undo_{record.correction_id}"
    return {
        "object": "creditMemo",
        "record_id": f"eid:{record.record_id}",
        "operation": "create",
        "before": {"memo": record.payload["memo"]},
        "after": {"externalId": external_id},
        "payload": {
            "externalId": external_id,
            "custbody_q2c_correlation_id": record.correlation_id,
        },
    }


def _reversing(record: CorrectionRecord) -> dict[str, Any]:
    """A journal that takes ours back at its own rate, on the day on which it is sent."""
    journal = str(record.target_record_id)
    external_id = f"{REVERSAL}{journal}"
    booked = record.after.get(BOOKED, record.payload)
    kept = ("subsidiary", "currency", "exchangeRate", "approved", "custbody_q2c_correlation_id")
    body = {name: booked[name] for name in kept}
    lines = booked["line"]["items"]
    body["line"] = {"items": reversed_lines(lines)}
    ours = stands(
        record.system,
        "transaction",
        {"id": journal},
        memo=record.payload["memo"],
        voided="F",
        posting="T",
    )
    return {
        "object": "journalEntry",
        "record_id": external_id,
        "operation": "upsert",
        "before": None,
        "after": {**body, WHILE: [ours, *_unmoved(record, len(lines))]},
        "payload": body,
    }


def _doing_the_opposite(record: CorrectionRecord) -> dict[str, Any]:
    """Void the invoice that we finalized, while nothing is paid of it; cancel a plan of ours."""
    if record.operation == "create":
        return {
            "object": f"{record.object}/cancel",
            "record_id": record.target_record_id or "",
            "operation": "update",
            "before": {"status": "not_started"},
            "after": {"status": "canceled"},
            "payload": {},
        }
    return {
        "object": "invoice/void",
        "record_id": record.record_id,
        "operation": "update",
        "before": {"status": "open", "amount_paid": 0},
        "after": {"status": "void"},
        "payload": {},
    }


def _unmoved(record: CorrectionRecord, lines: int) -> list[Condition]:
    """That no reclass of ours moved a line since; the ERP counts them from 0 or from 1."""
    moves = [f"{RECLASS}{record.target_record_id}_{number}" for number in range(lines + 1)]
    return [nothing(record.system, "transaction", externalid=move) for move in moves]


def _letting_go_on(record: CorrectionRecord) -> dict[str, Any]:
    """Billing goes on as before; an item that was taken out is made anew, without proration."""
    restored = _restoring(record)
    if gone := taken_out(record.before or {}, record.after):
        restored["payload"] = {**restored["payload"], "items": gone}
    return restored


_UNDOS: Mapping[str, Callable[[CorrectionRecord], dict[str, Any]]] = {
    UNDO_UPDATE: _restoring,
    UNDO_CREATION: _retiring,
    UNDO_POSTING: _crediting,
    UNDO_JOURNAL: _reversing,
    UNDO_DEED: _doing_the_opposite,
    UNDO_END: _letting_go_on,
}
