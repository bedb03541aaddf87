"""The credit memo over an invoice that should not stand, which the ERP's API cannot void. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    WHILE,
    Condition,
    currency_gap,
    document_correction,
    not_in_snapshot,
    nothing,
    open_month,
    period_gap,
    stands,
)
from reconcilers.corrections.erp_settling import applied_to
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.posted_lines import sublists, taxed

CREDIT = "credit_"  # of our external ids; the models read it
_BY_HAND = Refusal(
    "billing",
    "custbody_stripe_invoice_id",
    "it names no billing invoice, so that somebody may have meant it",
    "set the form of manual invoices on it, or credit it by hand",
)


def credit_copy(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """INV-DUP-01: a memo over the whole copy, at its own rate, while nothing is paid on it."""
    copy_id = subject.owner_id or ""
    original = (facts.erp_copies.get(copy_id) or {}).get("copy_of")
    standing = facts.erp_copies.get(original or "")
    reason = f"{copy_id} is a copy of {original}: it is credited"
    conditions = [_as_it_was(standing)] if standing else []
    return _credit(subject, rule, facts, copy_id, conditions, reason)


def credit_void(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """INV-STAT-01, void in billing: a memo over all of the ERP's copy, while nothing is on it."""
    invoice, copy_id = subject.owner_id or "", subject.replica_id or ""
    reason = f"billing voided {invoice}: ERP invoice {copy_id} is credited"
    conditions = [stands("stripe", "invoice", {"id": invoice}, status="void")]
    return _credit(subject, rule, facts, copy_id, conditions, reason)


def credit_unknown(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """INV-MISS-02, unpaid: a memo over all of what names an invoice that billing does not have."""
    copy_id = subject.owner_id or ""
    copy = facts.erp_copies.get(copy_id)
    invoice = (copy or {}).get("invoice_id")
    reason = f"ERP invoice {copy_id} is of {invoice}, which billing does not have: it is credited"
    if copy and invoice is None:
        return _credit(subject, rule, facts, copy_id, [], reason, gaps=(_BY_HAND,))
    conditions = [nothing("stripe", "invoice", id=invoice or "")]
    return _credit(subject, rule, facts, copy_id, conditions, reason)


def _credit(  # noqa: PLR0917  # the sides, and why
    subject: Subject,
    rule: Rule,
    facts: Facts,
    copy_id: str,
    conditions: list[Condition],
    reason: str,
    gaps: tuple[Refusal, ...] = (),
) -> Correction:
    copy = facts.erp_copies.get(copy_id)
    refusals = gaps or (not_in_snapshot("externalId", f"copy {copy_id}"),)
    body: dict[str, Any] = {}
    if copy and conditions:
        lines = taxed(facts.erp_copy_lines.get(copy_id, ()))
        refusals = tuple(_against(copy, lines, facts))
        body = {} if refusals else _memo(copy, lines, facts, subject.correlation_id)
    return document_correction(
        subject,
        rule,
        action="credit_erp_copy",
        object_name="creditMemo",
        external_id=f"{CREDIT}{copy_id}",
        body=body,
        facts={WHILE: [*([_as_it_was(copy, is_credited=True)] if copy else []), *conditions]},
        refusals=refusals,
        reason=reason,
    )


def _against(copy: Row, lines: Sequence[Row], facts: Facts) -> Iterator[Refusal]:
    day, currency = copy["invoice_date"], facts.currencies.get(copy["currency"] or "")
    yield from currency_gap(copy["currency"], currency)
    yield from period_gap(day, open_month(day, facts.months))
    if copy["is_customer_inactive"] == "T":
        problem = f"ERP customer {copy['customer_id']} is inactive"
        yield Refusal("customer", "entity", problem, "reactivate the customer")
    if copy["unpaid_minor"] != copy["total_minor"]:
        problem = "something is applied to the copy"
        fix = "apply it to an invoice that stands instead"
        yield Refusal("application", "apply.items.doc", problem, fix)
    off = copy["total_minor"] - sum(line["net_minor"] + line["tax_minor"] for line in lines)
    if off or not lines:
        problem = f"its lines and its tax leave {off} of its total" if lines else "it has no lines"
        yield Refusal("balance", "item.items", problem, "look at the copy in the ERP")


def _memo(copy: Row, lines: Sequence[Row], facts: Facts, correlation_id: str) -> dict[str, Any]:
    day: date = copy["invoice_date"]
    month, exponent = open_month(day, facts.months), facts.currencies[copy["currency"]]["exponent"]
    if month is None:
        raise ValueError("a memo was asked for although its posting checks failed")
    return {
        "entity": {"id": copy["customer_id"]},
        "subsidiary": {"id": copy["subsidiary_id"]},
        "currency": {"id": facts.currencies[copy["currency"]]["currency_id"]},
        "exchangeRate": format(Decimal(copy["exchange_rate"]).normalize(), "f"),
        "tranDate": max(day, month["start_date"]).isoformat(),
        "postingPeriod": {"id": month["period_id"]},
        "custbody_q2c_correlation_id": correlation_id,
        "taxDetailsOverride": True,
        **sublists(lines, exponent),
        "apply": applied_to(copy, copy["total_minor"], exponent),
    }


def _as_it_was(copy: Row, *, is_credited: bool = False) -> Condition:
    shows = {"voided": copy["voided"], "foreigntotal": copy["total"]}
    if is_credited:
        shows["foreignamountunpaid"] = copy["unpaid"]
    return stands("netsuite", "transaction", {"id": copy["transaction_id"]}, **shows)
