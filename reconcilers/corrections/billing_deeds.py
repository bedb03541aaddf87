"""Corrections that do something to a document of billing: its vendor has a call of its own for it.

What such a call did is read from the document: until then it is as it was (`before`), after that as
it was to become (`after`). Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconcilers.corrections.correction import Action, Correction, Refusal, Subject
from reconcilers.corrections.document import WHILE, Condition, not_in_snapshot, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule


def pay_out_of_band(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PAY-OOB-01: the invoice is paid, with the ERP's payment beside it, while that stands."""
    receipt = facts.bank_receipts.get(subject.row_key)
    told = {"erp_payment_id": subject.owner_id}
    if receipt and receipt["thread"]:
        told["q2c_correlation_id"] = receipt["thread"]
    return deed_correction(
        subject,
        rule,
        action="pay_out_of_band",
        document=("invoice", subject.replica_id or ""),
        deed="pay",
        seen=receipt,
        before={"status": "open", "amount_remaining": receipt["remaining_minor"]}
        if receipt
        else {},
        # a card that paid it meanwhile, beside our metadata, is no payment of the bank
        after={"status": "paid", "paid_out_of_band": True, "metadata": told},
        body={"paid_out_of_band": True, "metadata": told},
        conditions=_of_receipt(receipt) if receipt else [],
        refusals=tuple(_against_receipt(receipt)) if receipt else (),
        reason=f"ERP payment {subject.owner_id} paid it, and billing still asks for the money",
    )


def _against_receipt(receipt: Row) -> Iterator[Refusal]:
    if receipt["status"] != "open":
        problem = f"the invoice is {receipt['status']}"
        yield Refusal("invoice", "invoice.status", problem, "let the next night read it again")
    if receipt["voided"] != "F":
        problem = f"ERP payment {receipt['payment_id']} is void"
        yield Refusal("payment", "voided", problem, "let the next night read it again")
    if receipt["parts"] != 1:
        problem = f"the payment is applied to the invoice in {receipt['parts']} parts"
        yield Refusal("application", "foreignamount", problem, "apply it once, with all of it")
    off = receipt["applied_minor"] - receipt["remaining_minor"]
    if off:
        problem = f"{off} minor units were applied beyond what billing asks for"
        fix = "apply as much as billing asks for, and the rest elsewhere"
        yield Refusal("application", "invoice.amount_remaining", problem, fix)


def _of_receipt(receipt: Row) -> list[Condition]:
    """The payment stands, and pays the live copy of the invoice by as much."""
    payment, copy = receipt["payment_id"], receipt["copy_id"]
    return [
        stands(
            "netsuite", "transaction", {"id": payment}, voided="F", foreigntotal=receipt["total"]
        ),
        stands("netsuite", "transaction", {"id": copy}, voided="F"),
        stands(
            "netsuite",
            "previoustransactionlinelink",
            {"nextdoc": payment, "previousdoc": copy},
            foreignamount=receipt["applied"],
        ),
    ]


def finalize_draft(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """INV-SCHD-01, stale draft: it goes out as it is, and is collected by itself as planned."""
    draft = facts.stale_drafts.get(subject.owner_id or "")
    names = ("status", "total", "auto_advance")
    return deed_correction(
        subject,
        rule,
        action="finalize_draft",
        document=("invoice", subject.owner_id or ""),
        deed="finalize",
        seen=draft,
        before={name: draft[name] for name in names} if draft else {},
        after={"is_final": True},
        body={"auto_advance": True},
        refusals=tuple(_against_draft(draft)) if draft else (),
        reason=f"draft {subject.owner_id} is past the time at which it finalizes by itself",
    )


def _against_draft(draft: Row) -> Iterator[Refusal]:
    if draft["status"] != "draft":
        problem = f"the invoice is {draft['status']}"
        yield Refusal("invoice", "invoice.status", problem, "let the next night read it again")
    if not draft["auto_advance"]:
        problem = "somebody stopped it from finalizing by itself"
        yield Refusal("invoice", "invoice.auto_advance", problem, "finalize or delete it by hand")
    if draft["total"] <= 0:
        problem = "the draft asks for nothing"
        yield Refusal("invoice", "invoice.total", problem, "finalize or delete it by hand")


def deed_correction(
    subject: Subject,
    rule: Rule,
    *,
    action: Action,
    document: tuple[str, str],
    deed: str,
    seen: Row | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    body: Mapping[str, Any],
    reason: str,
    conditions: Sequence[Condition] = (),
    refusals: tuple[Refusal, ...] = (),
) -> Correction:
    """A deed to a document (kind and id), planned from what a night saw of it."""
    kind, record_id = document
    if seen is None:
        refusals = (not_in_snapshot(f"{kind}.id", f"{kind} {record_id!r}"),)
    return Correction(
        subject=subject,
        action=action,
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="stripe",
        object=f"{kind}/{deed}",
        record_id=record_id,
        operation="update",
        attribute="status",
        before=dict(before),
        after={**after, **({WHILE: list(conditions)} if conditions else {})},
        payload={} if refusals else dict(body),
        expected_version=(seen["version"] or "") if seen else "",
        watermark_object=f"stripe.{kind}",
        reason=reason,
        refusals=refusals,
    )
