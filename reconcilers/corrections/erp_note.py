"""What a credit memo of the ERP credits too little or too much beside its note in billing. Pure.

A memo never changes and cannot be voided through the record API: a second one, or an invoice over
what it gave up too much, stands beside it.
"""

from collections.abc import Iterator
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, not_in_snapshot, stands
from reconcilers.corrections.erp_amendment import billed_lines, of_other_books
from reconcilers.corrections.erp_difference import Adjusted, difference_correction
from reconcilers.corrections.erp_invoice import Draft
from reconcilers.corrections.erp_settling import as_open_as, note_draft, shares
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.posting import check_posting

_OF_THE_NOTE = ("document number", "period")  # checks that the memo has passed


def adjust_note(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CRN-AMT-01, total or tax: a document over what the memo is off, applied as its note."""
    memo = facts.erp_memos.get(subject.replica_id or "")
    note = facts.credit_notes.get(subject.owner_id or "")
    if memo is None or note is None:
        about = Adjusted({**_UNKNOWN, "transaction_id": subject.replica_id}, "", None)
        no = not_in_snapshot("externalId", f"memo {subject.replica_id} with its note")
        return difference_correction(subject, rule, facts, about, (), (), (no,))
    draft = note_draft(note, facts)
    gaps = (
        *(no for no in check_posting(draft) if no.check not in _OF_THE_NOTE),
        *of_other_books(memo, draft),
        *_not_its(memo, draft),
    )
    invoice = facts.erp_invoices.get(note["invoice_id"] or "")
    about = Adjusted(
        memo,
        number=note["number"] or "",
        due=None,
        applied_to=(invoice or {}).get("transaction_id"),
        applied_minor=_applicable(note, memo, invoice),
    )
    conditions: list[Condition] = [
        stands("stripe", "credit_note", {"id": note["credit_note_id"]}, status="issued",
               total=note["total_minor"]),
        stands("netsuite", "transaction", {"id": memo["transaction_id"]}, voided="F",
               foreigntotal=memo["total"]),
        *(as_open_as(invoice) if invoice and about.applied_minor else ()),
    ]  # fmt: skip
    lines = [] if gaps else _difference(memo, draft)
    return difference_correction(subject, rule, facts, about, lines, conditions, gaps)


_UNKNOWN: Row = {"invoice_date": None}


def _applicable(note: Row, memo: Row, invoice: Row | None) -> int:
    """How much of a further memo is to be taken off the invoice of the note."""
    lacking = (note[name] - memo[name] for name in ("total_minor", "applied_minor"))
    return max(min(*lacking, invoice["unpaid_minor"]), 0) if invoice else 0


def _not_its(memo: Row, draft: Draft) -> Iterator[Refusal]:
    if memo["voided"] == "T":
        yield Refusal("document", "voided", "the ERP's memo is void", "look at it in the ERP")
    if draft.customer and memo["customer_id"] != draft.customer["customer_id"]:
        problem = f"the ERP's memo is of customer {memo['customer_id']}"
        yield Refusal("customer", "entity", problem, "find out whose it is, and correct the link")


def _difference(memo: Row, draft: Draft) -> list[dict[str, Any]]:
    """What the memo gave up beyond the note (+), or kept (-), by the lines that the note is off."""
    lines = billed_lines(draft)
    nets = [line["net_minor"] for line in lines]
    subtotal = memo["total_minor"] - memo["tax_minor"]
    net = shares(subtotal - sum(nets), nets)
    tax = shares(memo["tax_minor"] - sum(line["tax_minor"] for line in lines), nets)
    return [
        {**line, "quantity": "1", "net_minor": part, "tax_minor": of_tax}
        for line, part, of_tax in zip(lines, net, tax, strict=True)
        if part or of_tax
    ]
