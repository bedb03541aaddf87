"""What undoes each write of ours: an image written back, or a document that takes one back. Pure.

Since the ERP's record API voids nothing, an invoice that we posted is undone by a credit memo over
it, a journal by one that reverses it. What was done to a document of billing is undone by what
billing has for it; what we made is put out of use.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from reconcilers.corrections.billed_twice import taken_out
from reconcilers.corrections.correction import (
    UNDO_CREATION,
    UNDO_DEED,
    UNDO_END,
    UNDO_JOURNAL,
    UNDO_POSTING,
    UNDO_UPDATE,
)
from reconcilers.corrections.document import WHILE, Condition, nothing, stands
from reconcilers.corrections.erp_depositing import BOOKED
from reconcilers.corrections.erp_journal import reversed_lines
from reconcilers.corrections.journal_drafts import RECLASS, REVERSAL
from reconcilers.state.models import CorrectionRecord

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
    "move_line_end": UNDO_UPDATE,
    "move_add_on": UNDO_DEED,
    "plan_subscription": UNDO_DEED,
    "bill_usage": UNDO_DEED,
    "credit_usage": UNDO_DEED,
    UNDO_UPDATE: UNDO_UPDATE,
    UNDO_CREATION: UNDO_UPDATE,
}


def undoing(record: CorrectionRecord, on: date | None) -> dict[str, Any]:
    """The write that takes one back: its object, record, operation, images and payload.

    `on` is the accounting day of a journal; without it, that of the one it reverses.
    """
    action = UNDONE_BY[record.action]
    return _reversing(record, on) if action == UNDO_JOURNAL else _UNDOS[action](record)


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


def _reversing(record: CorrectionRecord, on: date | None) -> dict[str, Any]:
    """A journal that takes ours back at its own rate, in the month of its day."""
    journal = str(record.target_record_id)
    external_id = f"{REVERSAL}{journal}"
    booked = record.after.get(BOOKED, record.payload)
    kept = ("subsidiary", "currency", "exchangeRate", "approved", "custbody_q2c_correlation_id")
    body = {name: booked[name] for name in kept}
    body["tranDate"] = on.isoformat() if on else record.payload["tranDate"]
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


# By what a call of its own takes back what we made in billing, while it is as it was made.
_TAKEN_BACK: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "subscription_schedule": ("cancel", {"status": "not_started"}, {"status": "canceled"}),
    "invoiceitem": ("delete", {"deleted": False, "invoice": None}, {"deleted": True}),
    "subscription_item": ("delete", {"deleted": False}, {"deleted": True}),
}


def _doing_the_opposite(record: CorrectionRecord) -> dict[str, Any]:
    """Void the invoice that we finalized, while nothing is paid of it; take back what we made.

    A plan of ours is cancelled before it begins, an item deleted while it waits for an invoice, and
    one of a subscription while its first period runs, of which the same is credited.
    """
    if record.object == "subscription_item":
        return _taking_out(record)
    if record.operation == "create":
        deed, before, after = _TAKEN_BACK[record.object]
        return {
            "object": f"{record.object}/{deed}",
            "record_id": record.target_record_id or "",
            "operation": "update",
            "before": before,
            "after": after,
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


def _taking_out(record: CorrectionRecord) -> dict[str, Any]:
    """The item that we made goes as it came, while what it was made beside stands as then."""
    deed, before, after = _TAKEN_BACK[record.object]
    made, how = ("price", "quantity", "discounts"), ("proration_behavior", "proration_date")
    still = [one for one in record.after[WHILE] if one["shows"] is not None]
    return {
        "object": f"{record.object}/{deed}",
        "record_id": record.target_record_id or "",
        "operation": "update",
        "before": {**before, **{name: record.payload.get(name) for name in made}},
        "after": {**after, WHILE: still},
        "payload": {name: record.payload[name] for name in how if name in record.payload},
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
    UNDO_DEED: _doing_the_opposite,
    UNDO_END: _letting_go_on,
}
