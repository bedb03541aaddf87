"""The ERP's copy of a refund that the payment provider paid out of a credit. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    Condition,
    Drawn,
    Mirror,
    currency_gap,
    mirrored,
    nothing,
    period_gap,
    stands,
)
from reconcilers.corrections.erp_settling import applied_to, as_open_as
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

_REFUND = Mirror(
    "post_erp_refund",
    "customerRefund",
    "custbody_stripe_refund_id",
    "refund",
    "was paid out and the ERP does not have it",
)


def post_refund(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """RFD-MISS-01, not posted: out of clearing, against the open memo of its credit note.

    Without a note it gives back a payment on account, if all of it is owed: to a customer who was
    charged twice.
    """
    refund = facts.refunds.get(subject.owner_id or "")
    return mirrored(subject, rule, _REFUND, _drawn(refund, subject, facts) if refund else None)


def _drawn(refund: Row, subject: Subject, facts: Facts) -> Drawn:
    clearing = clearing_account(refund["legal_entity"], facts)
    refusals = (*_against(refund, facts), *account_gap(clearing, "payment_clearing"))
    refund_id, gone = refund["refund_id"], refund["amount_minor"]
    conditions = [
        stands("stripe", "refund", {"id": refund_id}, status="succeeded", amount=gone),
        nothing("netsuite", "transaction", custbody_stripe_refund_id=refund_id),
        *_as_it_was(refund),
    ]
    if clearing is None or refusals:
        return Drawn(refusals, conditions, {})
    return Drawn(refusals, conditions, _body(refund, clearing, facts, subject.correlation_id))


def _as_it_was(refund: Row) -> list[Condition]:
    """What is paid out stands, with as much of it open; of a payment nothing is taken up at all."""
    document = refund["transaction_id"]
    if document is None or not refund["is_of_payment"]:
        return as_open_as(refund) if document else []
    links = ("netsuite", "previoustransactionlinelink")
    return [
        stands(
            "netsuite", "transaction", {"id": document}, voided="F", foreigntotal=refund["total"]
        ),
        nothing(*links, nextdoc=document),
        nothing(*links, previousdoc=document, linktype="Payment"),
    ]


def clearing_account(legal_entity: str | None, facts: Facts) -> Row | None:
    """Where money of the payment provider waits for its payout, by our chart."""
    number = facts.ledger_number("*", legal_entity or "", "payment_clearing")
    return facts.ledger_by_number.get(number or "")


def account_gap(account: Row | None, event: str) -> list[Refusal]:
    """Why nothing can be booked to an account of our chart."""
    if account is None:
        problem, fix = f"no ERP account is named for {event}", "name it in ledger_accounts.csv"
    elif account["is_inactive"] == "T":
        problem, fix = f"account {account['number']} is inactive", "reactivate it in the ERP"
    else:
        return []
    return [Refusal("ledger account", f"account ({event})", problem, fix)]


def _against(refund: Row, facts: Facts) -> Iterator[Refusal]:
    day, code = refund["refund_date"], refund["currency"]
    yield from currency_gap(code, facts.currencies.get(code or ""))
    yield from period_gap(day, facts.month_of(day))
    if refund["credit_note_id"] is None and not refund["is_of_payment"]:
        problem = "no credit note stands behind it, and no payment on account that is owed back"
        fix = "credit it in billing first, or take off the invoice what it gives back"
    elif refund["transaction_id"] is None:
        problem, fix = "the ERP does not have the credit memo", "post it first (CRN-MISS-01)"
    elif refund["memo_currency"] != code:
        problem = f"what it pays out is in {refund['memo_currency']}"
        fix = "correct the currency in the ERP"
    elif refund["open_minor"] < refund["amount_minor"]:
        problem = f"only {refund['open_minor']} minor units of what it pays out are open"
        fix = "find out what took the rest of it, then post the refund by hand"
    elif refund["is_of_payment"] and _is_taken_up(refund, facts.currencies.get(code or "")):
        problem = "a part of the payment pays something else"
        fix = "post the refund by hand: only a payment that nothing took up is paid out"
    elif refund["is_customer_inactive"] == "T":
        problem = f"ERP customer {refund['customer_id']} is inactive"
        fix = "reactivate the customer"
    else:
        return
    yield Refusal("application", "apply.items.doc", problem, fix)


def _is_taken_up(refund: Row, currency: Row | None) -> bool:
    """Whether less of a payment is open than all of it; sending asks that nothing took it up."""
    total = abs(Decimal(refund["total"])).scaleb(currency["exponent"] if currency else 0)
    return bool(total != refund["open_minor"])


def _body(refund: Row, clearing: Row, facts: Facts, correlation_id: str) -> dict[str, Any]:
    """NetSuite's customer refund, on the day on which the money left: a later one is JE-PER-01."""
    day, currency = refund["refund_date"], facts.currencies[refund["currency"]]
    month = facts.month_of(day)
    if month is None:
        raise ValueError("a refund body was asked for although its posting checks failed")
    return {
        "customer": {"id": refund["customer_id"]},
        "currency": {"id": currency["currency_id"]},
        "account": {"id": clearing["account_id"]},
        "tranDate": day.isoformat(),
        "postingPeriod": {"id": month["period_id"]},
        "custbody_stripe_refund_id": refund["refund_id"],
        "custbody_stripe_charge_id": refund["payment_id"],
        "custbody_q2c_correlation_id": correlation_id,
        "apply": applied_to(refund, refund["amount_minor"], currency["exponent"]),
    }
