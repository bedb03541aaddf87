"""Corrections that make a document in billing: known by our mark in its metadata. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconcilers.corrections.correction import (
    Action,
    Correction,
    Refusal,
    Subject,
    correction_id,
)
from reconcilers.corrections.document import (
    MARK,
    WHILE,
    WITHIN,
    Condition,
    absence,
    not_in_snapshot,
    stands,
)
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule


def credit_refund(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """RFD-MISS-01, no credit note: one over what was paid back, linked with the refund.

    It says where its money went, all of it (refunds + balance + out of band = total), moves none,
    and nobody is written to.
    """
    refund = facts.uncredited.get(subject.owner_id or "")
    refusals = tuple(_against(refund)) if refund else (_unseen(subject),)
    return made_correction(
        subject,
        rule,
        action="issue_credit_note",
        object_name="credit_note",
        name=subject.owner_id or "",
        body=_note(refund) if refund and not refusals else {},
        within={"invoice": (refund or {}).get("invoice_id")},
        conditions=_of_refund(refund) if refund and not refusals else (),
        refusals=refusals,
        reason=f"refund {subject.owner_id} has no credit note behind it",
    )


def _note(refund: Row) -> dict[str, Any]:
    amount = refund["uncredited_minor"]
    return {
        "invoice": refund["invoice_id"],
        "amount": amount,
        "refunds": [{"refund": refund["refund_id"], "amount_refunded": amount}],
        "email_type": "none",
        "metadata": {"q2c_correlation_id": refund["thread"]} if refund["thread"] else {},
    }


def _of_refund(refund: Row) -> list[Condition]:
    """The refund stands, its charge is as it was, and nothing more was credited of the invoice."""
    return [
        _kept(refund["payment_id"], refund["charge_minor"], refund["refunded_minor"]),
        stands(
            "stripe",
            "refund",
            {"id": refund["refund_id"]},
            status=refund["status"],
            amount=refund["amount_minor"],
        ),
        stands(
            "stripe",
            "invoice",
            {"id": refund["invoice_id"]},
            status="paid",
            post_payment_credit_notes_amount=refund["paid_credits_minor"],
            pre_payment_credit_notes_amount=refund["open_credits_minor"],
        ),
    ]


def _against(refund: Row) -> Iterator[Refusal]:
    if refund["status"] != "succeeded":
        problem = f"the refund is {refund['status']}"
        yield Refusal("refund", "refund.status", problem, "wait until it is paid out, or failed")
    if refund["invoice_id"] is None:
        problem = "its charge pays no invoice that is in the snapshot"
        yield Refusal("invoice", "refund.charge", problem, "find out what was paid back")
        return
    if refund["invoice_status"] != "paid":
        problem = f"invoice {refund['invoice_id']} is {refund['invoice_status']}"
        fix = "settle the invoice first: only a paid one is credited by a refund"
        yield Refusal("invoice", "invoice.status", problem, fix)
    yield from _not_simple(refund, charges=1)
    unlinked = refund["paid_credits_minor"] - refund["refund_credits_minor"]
    if unlinked != 0:
        problem = f"{unlinked} minor units were credited of the paid invoice beside its refunds"
        fix = "find out whether that credit is the refund's, and credit by hand what lacks"
        yield Refusal("credit", "invoice.post_payment_credit_notes_amount", problem, fix)
    earlier = refund["paid_credits_minor"] + refund["open_credits_minor"]
    over = refund["uncredited_minor"] + earlier - refund["total_minor"]
    if over > 0:
        problem = f"it would credit {over} minor units beyond the invoice"
        yield Refusal("amount", "credit_note.amount", problem, "find out what was paid back twice")


def refund_charge(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PAY-DUP-01, charged twice: what a later charge took beyond the invoice goes back.

    Money that went back does not come again: there is no undo.
    """
    charge = facts.overcharges.get(subject.owner_id or "")
    refusals = tuple(_against_refund(charge)) if charge else (_unseen_charge(subject),)
    return made_correction(
        subject,
        rule,
        action="refund_charge",
        object_name="refund",
        name=subject.owner_id or "",
        body=_refund(charge, subject) if charge and not refusals else {},
        within={"charge": subject.owner_id},
        conditions=_of_charges(charge) if charge and not refusals else (),
        refusals=refusals,
        reason=f"charge {subject.owner_id} took what an earlier one had paid",
    )


def _refund(charge: Row, subject: Subject) -> dict[str, Any]:
    return {
        "charge": charge["payment_id"],
        "amount": charge["overcharged_minor"],
        "reason": "duplicate",
        "metadata": {"q2c_correlation_id": subject.correlation_id},
    }


def _of_charges(charge: Row) -> list[Condition]:
    """No charge gave anything back, and nothing was credited of what the invoice asks for."""
    return [
        _kept(charge["payment_id"], charge["amount_minor"], charge["refunded_minor"]),
        _kept(charge["earlier_id"], charge["earlier_minor"], charge["earlier_refunded_minor"]),
        stands(
            "stripe",
            "invoice",
            {"id": charge["invoice_id"]},
            status="paid",
            total=charge["invoice_total_minor"],
            post_payment_credit_notes_amount=0,
            pre_payment_credit_notes_amount=0,
        ),
    ]


def _kept(charge_id: str, amount: int, refunded: int) -> Condition:
    shows = {"status": "succeeded", "amount": amount, "amount_refunded": refunded}
    return stands("stripe", "charge", {"id": charge_id}, **shows, disputed=False)


def _against_refund(charge: Row) -> Iterator[Refusal]:
    yield from _not_simple(charge, charges=2)
    if charge["refund_count"] or charge["refunded_minor"] or charge["earlier_refunded_minor"]:
        problem = "something of the invoice was refunded already"
        fix = "find out what of it the customer is still owed, and give that back by hand"
        yield Refusal("refund", "charge.amount_refunded", problem, fix)
    if charge["paid_credits_minor"] or charge["open_credits_minor"]:
        problem = "something of the invoice was credited"
        fix = "find out what the invoice still asks for, and give the rest back by hand"
        yield Refusal("credit", "invoice.post_payment_credit_notes_amount", problem, fix)
    beyond = charge["amount_minor"] + charge["earlier_minor"] - charge["invoice_total_minor"]
    if charge["overcharged_minor"] != min(beyond, charge["amount_minor"]):
        problem = f"its two charges took {beyond} minor units beyond the invoice"
        yield Refusal("amount", "refund.amount", problem, "let the next night read it again")


def _not_simple(invoice: Row, charges: int) -> Iterator[Refusal]:
    """What of the invoice's money only a person can tell apart."""
    if invoice["is_disputed"]:
        problem = "a charge of the invoice is or was disputed: its bank may give the money back"
        fix = "wait for the end of the dispute, then settle by hand what is left"
        yield Refusal("dispute", "charge.disputed", problem, fix)
    if invoice["charge_count"] != charges:
        problem = f"the invoice has {invoice['charge_count']} charges, and not {charges}"
        fix = "find out which of them paid it, and settle the rest by hand"
        yield Refusal("charges", "invoice.payments", problem, fix)
    if invoice["is_paid_otherwise"]:
        problem = "other money paid the invoice too, or its charge pays other invoices as well"
        fix = "find out what paid it, and settle the rest by hand"
        yield Refusal("payments", "invoice.payments", problem, fix)


def _unseen_charge(subject: Subject) -> Refusal:
    return not_in_snapshot("charge.id", f"charge {subject.owner_id!r} with an earlier one")


def _unseen(subject: Subject) -> Refusal:
    return not_in_snapshot("refund.id", f"refund {subject.owner_id!r}")


def made_correction(
    subject: Subject,
    rule: Rule,
    *,
    action: Action,
    object_name: str,
    name: str,
    body: Mapping[str, Any],
    within: Mapping[str, Any],
    reason: str,
    conditions: Sequence[Condition] = (),
    refusals: tuple[Refusal, ...] = (),
) -> Correction:
    """Make a record for what `name` stands for; it will stand in the list that `within` filters."""
    facts = {WITHIN: dict(within), WHILE: list(conditions)}
    correction = Correction(
        subject=subject,
        action=action,
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="stripe",
        object=object_name,
        record_id=name,
        operation="create",
        attribute="",
        before=None,
        after={**body, **facts},
        expected_version=absence(subject),
        watermark_object=f"stripe.{object_name}",
        reason=reason,
        refusals=refusals,
    )
    if refusals:
        return correction
    marks = {**body["metadata"], MARK: correction_id(correction.idempotency_key)}
    return replace(correction, payload={**body, "metadata": marks})
