"""What payments and credit memos of the ERP are applied to: the whole set, as billing has it. Pure.

Taking off and applying is one call, since the set is replaced as a whole; compensating is writing
the former one back.
"""

from collections.abc import Iterator, Sequence
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
from reconcilers.corrections.policy import Rule


def apply_anew(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PAY-APPL-01 and CRN-APPL-01: applied within its customer, as far as billing applied it."""
    document = facts.settlements.get(subject.row_key)
    parts = facts.applications.get(document["document_id"], ()) if document else ()
    refusals = tuple(_against(document, parts, facts)) if document else (_untold(subject),)
    document = document or {"object": "customerPayment"}
    exponent = facts.currencies.get(document.get("currency") or "", {}).get("exponent", 0)
    after = _applied(parts, "wanted_minor", exponent)
    name = document.get("document_id") or subject.replica_id or subject.owner_id or ""
    return Correction(
        subject=subject,
        action="apply_erp_settlement",
        mode=rule.mode.value,
        assignee=rule.assignee,
        system="netsuite",
        object=document["object"],
        record_id=name,
        operation="update",
        attribute="apply",
        before=_applied(parts, "held_minor", exponent),
        after=after,
        payload={} if refusals else after,
        expected_version=document.get("version") or "",
        watermark_object="netsuite.transaction",
        reason=f"billing applied it otherwise than {document['object']} {name}",
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
    """Of what the bank collected people know what it is for: a match by amount is a suggestion."""
    return Refusal(
        "application",
        "apply.items",
        f"billing does not say what {subject.owner_id} pays, and a match is a suggestion",
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


def _against_part(document: Row, part: Row) -> Iterator[Refusal]:
    if part["is_guess"]:
        problem = f"{part['invoice_id']} was paid from the balance, of which credit is not told"
        yield Refusal("application", "apply.items.doc", problem, "apply the memo by hand")
    posted = None
    if part["transaction_id"]:
        posted = {**part, "unpaid_minor": part["unpaid_minor"] + part["held_minor"]}
        yield from of_another_customer(posted, document)
    yield from not_applicable(posted, part["wanted_minor"], document["currency"])
