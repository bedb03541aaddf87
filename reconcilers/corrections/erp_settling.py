"""What settles an ERP invoice: the memo of a credit note, and a payment that came in. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    Condition,
    Drawn,
    Mirror,
    amount_text,
    currency_gap,
    mirrored,
    nothing,
    period_gap,
    stands,
)
from reconcilers.corrections.erp_invoice import Draft, draft_document, invoice_body
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.posting import check_posting

_OF_INVOICES = ("dueDate", "customForm", "custbody_stripe_invoice_id")


_MEMO = Mirror(
    "post_erp_credit_memo",
    "creditMemo",
    "custbody_stripe_credit_note_id",
    "credit note",
    "is issued and the ERP does not have it",
)
_PAYMENT = Mirror(
    "post_erp_payment",
    "customerPayment",
    "custbody_stripe_charge_id",
    "charge",
    "succeeded and the ERP does not have it",
)


def post_credit_memo(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CRN-MISS-01, never posted: the memo of the note, applied as far as billing applied it."""
    note = facts.credit_notes.get(subject.owner_id or "")
    return mirrored(subject, rule, _MEMO, _drawn_memo(note, subject, facts) if note else None)


def _drawn_memo(note: Row, subject: Subject, facts: Facts) -> Drawn:
    draft, posted = _memo(note, facts), facts.erp_invoices.get(note["invoice_id"] or "")
    note_id, applied = note["credit_note_id"], note["applied_minor"]
    refusals = (
        *check_posting(draft),
        *not_applicable(posted, applied, note["currency"]),
        *of_another_customer(posted, draft.customer),
    )
    issued = {"status": "issued", "total": note["total_minor"]}
    conditions = [
        stands("stripe", "credit_note", {"id": note_id}, **issued),
        nothing("netsuite", "transaction", custbody_stripe_credit_note_id=note_id),
        *(as_open_as(posted) if posted and applied else ()),
    ]
    body = {} if refusals else _memo_body(draft, note, posted, subject.correlation_id)
    return Drawn(refusals, conditions, body)


def _memo(note: Row, facts: Facts) -> Draft:
    """The note in the shape of an invoice: the same checks hold for both."""
    shaped = {
        **note,
        "invoice_date": note["credit_date"],
        "due_date": None,
        "invoice_id": note["credit_note_id"],
    }
    sold = facts.invoice_lines.get(note["invoice_id"] or "", ())
    given = facts.credit_note_lines.get(note["credit_note_id"], ())
    lines = tuple(_taxed(list(_credited(given, sold)), note["tax_minor"]))
    return draft_document(shaped, lines, facts.memo_numbers.get(note["number"] or ""), facts)


def _credited(given: Sequence[Row], sold: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Which sold lines a note takes from: the one it names, else all of them by what they cost."""
    by_id = {line["line_id"]: line for line in sold}
    for line in given:
        if named := by_id.get(line["invoice_line_id"] or ""):
            yield {**named, "net_minor": line["net_minor"], "quantity": line["quantity"] or 1}
            continue
        costly = sorted((s for s in sold if s["net_minor"] > 0), key=lambda s: str(s["line_id"]))
        costs = [each["net_minor"] for each in costly]
        for each, share in zip(costly, shares(line["net_minor"], costs), strict=True):
            if share:
                yield {**each, "net_minor": share, "quantity": 1}


def _taxed(lines: Sequence[Mapping[str, Any]], tax_minor: int) -> Iterator[dict[str, Any]]:
    nets = [line["net_minor"] for line in lines]
    for line, tax in zip(lines, shares(tax_minor, nets), strict=True):
        yield {**line, "tax_minor": tax}


def shares(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """An amount by weight, rounded cumulatively: the parts add up. Nothing where weights do not."""
    whole, seen, given, parts = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        exact = Decimal(amount_minor) * seen / whole if whole else Decimal(0)
        upto = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
        parts.append(upto - given)
        given = upto
    return parts


def _memo_body(draft: Draft, note: Row, posted: Row | None, correlation_id: str) -> dict[str, Any]:
    """NetSuite's credit memo; without a rate, which the ERP takes of the day of the note."""
    whole = invoice_body(draft, correlation_id)
    body = {name: value for name, value in whole.items() if name not in _OF_INVOICES}
    body["custbody_stripe_credit_note_id"] = note["credit_note_id"]
    if posted and note["applied_minor"] and draft.currency:
        body["apply"] = applied_to(posted, note["applied_minor"], draft.currency["exponent"])
    return body


def post_payment(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PAY-MISS-01: record the charge in Undeposited Funds and apply it to its invoice."""
    payment = facts.payments.get(subject.owner_id or "")
    drawn = _drawn_payment(payment, subject, facts) if payment else None
    return mirrored(subject, rule, _PAYMENT, drawn)


def _drawn_payment(payment: Row, subject: Subject, facts: Facts) -> Drawn:
    posted = facts.erp_invoices.get(payment["invoice_id"] or "")
    payment_id, refusals = payment["payment_id"], tuple(_against_payment(payment, posted, facts))
    taken = {"status": "succeeded", "amount": payment["amount_minor"], "amount_refunded": 0}
    conditions = [
        stands("stripe", "charge", {"id": payment_id}, **taken),
        nothing("netsuite", "transaction", custbody_stripe_charge_id=payment_id),
        *(as_open_as(posted) if posted else ()),
    ]
    if posted is None or refusals:
        return Drawn(refusals, conditions, {})
    body = _payment_body(payment, posted, facts, subject.correlation_id)
    return Drawn(refusals, conditions, body)


def _against_payment(payment: Row, posted: Row | None, facts: Facts) -> Iterator[Refusal]:
    day, code = payment["paid_date"], payment["currency"]
    yield from currency_gap(code, facts.currencies.get(code or ""))
    yield from period_gap(day, facts.month_of(day))
    yield from not_applicable(posted, payment["amount_minor"], code)
    if posted and posted["is_customer_inactive"] == "T":
        problem = f"ERP customer {posted['customer_id']} is inactive"
        yield Refusal("customer", "customer", problem, "reactivate the customer")


def _payment_body(payment: Row, posted: Row, facts: Facts, correlation_id: str) -> dict[str, Any]:
    currency = facts.currencies[payment["currency"]]
    month = facts.month_of(payment["paid_date"])
    if month is None:
        raise ValueError("a payment body was asked for although its posting checks failed")
    exponent = currency["exponent"]
    return {
        "customer": {"id": posted["customer_id"]},
        "currency": {"id": currency["currency_id"]},
        "payment": amount_text(payment["amount_minor"], exponent),
        "tranDate": payment["paid_date"].isoformat(),
        "postingPeriod": {"id": month["period_id"]},
        "undepFunds": True,
        "custbody_stripe_charge_id": payment["payment_id"],
        "custbody_q2c_correlation_id": correlation_id,
        "apply": applied_to(posted, payment["amount_minor"], exponent),
    }


def applied_to(posted: Row, amount_minor: int, exponent: int) -> dict[str, Any]:
    amount = amount_text(amount_minor, exponent)
    return {"items": [{"doc": {"id": posted["transaction_id"]}, "apply": True, "amount": amount}]}


def not_applicable(posted: Row | None, amount_minor: int, currency: str | None) -> list[Refusal]:
    """Why an amount cannot be taken off the ERP's copy of the invoice; nothing for no amount."""
    if not amount_minor:
        return []
    if posted is None:
        problem, fix = "the ERP does not have the invoice", "post the invoice first (INV-MISS-01)"
    elif posted["currency"] != currency:
        problem = f"the ERP's invoice is in {posted['currency']}"
        fix = "correct the currency of the invoice in the ERP"
    elif posted["unpaid_minor"] < amount_minor:
        problem = f"only {posted['unpaid_minor']} minor units are open of the ERP's invoice"
        fix = "find out what else was applied to it, then apply by hand"
    else:
        return []
    return [Refusal("application", "apply.items.doc", problem, fix)]


def of_another_customer(posted: Row | None, customer: Row | None) -> list[Refusal]:
    """A memo stands with the customer of its invoice, whatever links say meanwhile."""
    if not posted or not customer or posted["customer_id"] == customer["customer_id"]:
        return []
    problem = f"the ERP's invoice is of customer {posted['customer_id']}"
    fix = "find out whose the invoice is, and correct the link or the invoice"
    return [Refusal("customer", "entity", problem, fix)]


def as_open_as(posted: Row) -> list[Condition]:
    """That a document of the ERP stands, with as much of it open as was seen."""
    shows = {"voided": "F", "foreignamountunpaid": posted["unpaid"]}
    return [stands("netsuite", "transaction", {"id": posted["transaction_id"]}, **shows)]
