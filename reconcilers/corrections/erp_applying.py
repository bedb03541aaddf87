"""What payments and credit memos of the ERP are applied to: the whole set, as billing has it. Pure.

Taking off and applying is one call, since the set is replaced as a whole; compensating is writing
the former one back.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    amount_text,
    closed_period,
    currency_gap,
    not_in_snapshot,
)
from reconcilers.corrections.erp_settling import not_applicable, of_another_customer
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Mode, Rule


def apply_anew(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PAY-APPL-01 and CRN-APPL-01: applied within its customer, as far as billing applied it.

    What the bank collected is for what its payer names in full; a person agrees.
    """
    document = facts.settlements.get(subject.row_key)
    parts = facts.applications.get(document["document_id"], ()) if document else ()
    refusals = tuple(_against(document, parts, facts)) if document else (_untold(subject),)
    document = document or {"object": "customerPayment"}
    exponent = facts.currencies.get(document.get("currency") or "", {}).get("exponent", 0)
    name = document.get("document_id") or subject.replica_id or subject.owner_id or ""
    return _correction(
        subject,
        rule,
        {**document, "document_id": name},
        before=_applied(parts, "held_minor", exponent),
        after=_applied(parts, "wanted_minor", exponent),
        reason=f"{document['object']} {name} is not applied to what it is for",
        refusals=refusals,
    )


def gross_up(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PAY-AMT-01, fee netted: the payment at its gross amount, which its invoice was paid with.

    The fee is kept back by the deposit. What is deposited already has an amount for good.
    """
    document, (net, gross) = facts.settlements.get(subject.row_key), _amounts(subject)
    parts = facts.applications.get(document["document_id"], ()) if document else ()
    refusals: tuple[Refusal, ...] = (
        not_in_snapshot("payment", f"ERP payment {subject.replica_id}"),
    )
    if document:
        whole = {**document, "available_minor": document["available_minor"] + gross - net}
        refusals = (*_deposited(document), *_against(whole, parts, facts))
    known = document or {"object": "customerPayment", "document_id": subject.replica_id or ""}
    exponent = facts.currencies.get(known.get("currency") or "", {}).get("exponent", 0)
    return _correction(
        subject,
        rule,
        known,
        before={"payment": _as_read(net, exponent), **_applied(parts, "held_minor", exponent)},
        after={"payment": _as_read(gross, exponent), **_applied(parts, "wanted_minor", exponent)},
        reason=f"the fee was taken off customerPayment {known['document_id']}",
        refusals=refusals,
    )


def _amounts(subject: Subject) -> tuple[int, int]:
    """What the ERP has, and what was paid: minor units of the currency of both."""
    gross = int(subject.expected or 0)
    return gross + (subject.impact_minor or 0), gross


def _as_read(minor: int, exponent: int) -> str:
    """An amount as the ERP shows a number: 1999 with exponent 2 is '19.99', 2000 is '20.0'."""
    plain = format(Decimal(amount_text(minor, exponent)).normalize(), "f")
    return plain if "." in plain else f"{plain}.0"


def _deposited(document: Row) -> list[Refusal]:
    if not document["is_deposited"]:
        return []
    problem = f"payment {document['document_id']} is deposited, so its amount stands"
    fix = "take it out of its deposit in the ERP, then let the next night plan it again"
    return [Refusal("deposit", "payment", problem, fix)]


def _correction(
    subject: Subject,
    rule: Rule,
    document: Row,
    *,
    before: dict[str, Any],
    after: dict[str, Any],
    reason: str,
    refusals: tuple[Refusal, ...],
) -> Correction:
    return Correction(
        subject=subject,
        action="apply_erp_settlement",
        mode=(Mode.APPROVE if document.get("is_banked") else rule.mode).value,
        assignee=rule.assignee,
        system="netsuite",
        object=document["object"],
        record_id=document["document_id"],
        operation="update",
        attribute="apply",
        before=before,
        after=after,
        payload={} if refusals else after,
        expected_version=document.get("version") or "",
        watermark_object="netsuite.transaction",
        reason=reason,
        refusals=refusals,
    )


def _applied(parts: Sequence[Row], minor: str, exponent: int) -> dict[str, Any]:
    """The sublist `apply`, as far as something is applied."""
    items = [
        {
            "doc": {"id": part["transaction_id"]},
            "apply": True,
            "amount": amount_text(part[minor], exponent),
        }
        for part in parts
        if part[minor] and part["transaction_id"]
    ]
    return {"apply": {"items": items}}


def _untold(subject: Subject) -> Refusal:
    """Of what the bank collected people know what it is for, unless its payer named the invoice."""
    return Refusal(
        "application",
        "apply.items",
        f"neither billing nor its payer says for sure what {subject.owner_id} pays",
        "apply it in the ERP, once the customer said what it is for",
    )


def _against(document: Row, parts: Sequence[Row], facts: Facts) -> Iterator[Refusal]:
    code, period = document["currency"], facts.periods.get(document["period_id"] or "")
    yield from currency_gap(code, facts.currencies.get(code or ""))
    if period is None:
        yield not_in_snapshot("postingPeriod", f"period {document['period_id']}")
    else:
        yield from closed_period(period["name"], period["is_closed"], period["is_ar_locked"])
    if document["voided"] == "T":
        yield Refusal("document", "voided", "it is void", "post it again (PAY-MISS-01)")
    over = sum(part["wanted_minor"] for part in parts) - document["available_minor"]
    if over > 0:
        problem = f"billing applies {over} minor units more than there are of it"
        fix = "correct its amount, or take back what was paid out of it, first"
        yield Refusal("application", "apply.items.amount", problem, fix)
    for part in parts:
        if part["wanted_minor"]:
            yield from _against_part(document, part)
        elif part["held_minor"] and not part["is_billed"]:
            problem = f"it pays {part['transaction_id']}, of which billing knows nothing"
            fix = "find out what the customer paid, and apply it in the ERP"
            yield Refusal("application", "apply.items.doc", problem, fix)


def _against_part(document: Row, part: Row) -> Iterator[Refusal]:
    if part["is_guess"]:
        problem = f"{part['invoice_id']} was paid from the balance, of which credit is not told"
        yield Refusal("application", "apply.items.doc", problem, "apply the memo by hand")
    posted = None
    if part["transaction_id"]:
        posted = {**part, "unpaid_minor": part["unpaid_minor"] + part["held_minor"]}
        yield from of_another_customer(posted, document)
    yield from not_applicable(posted, part["wanted_minor"], document["currency"])
