"""Fields by which the ERP posts: the period of a document, and the accounts of an item. Pure.

A period is changed where it is: both months are open, so that nothing has to be reversed and posted
again. Into or out of a closed one nothing is moved: a reversal would not leave it either.
"""

from dataclasses import replace

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import closed_period, not_in_snapshot
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES

_PERIOD = PLACES["netsuite", "posting", "period"]
_RECORDS = {
    "invoice": "invoice",
    "credit_note": "creditMemo",
    "card_payment": "customerPayment",
    "bank_payment": "customerPayment",
    "refund": "customerRefund",
    "deposit": "deposit",
    "dispute": "journalEntry",
    "recognition": "journalEntry",
}  # kind of document, as in the posting matrix -> record of the ERP


def move_period(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """JE-PER-01: the month that the accounting date is in, while both months are open."""
    document = subject.owner_id or ""
    held = facts.held.get(("netsuite", "posting", document, "period"))
    dated = facts.held.get(("netsuite", "posting", document, "date"))
    due = _month(subject.expected or "", facts)
    place = replace(_PERIOD, object=_RECORDS[subject.cause or ""])
    was = facts.periods.get((held or {}).get("value") or "")
    return field_correction(
        subject,
        rule,
        place,
        ("netsuite", document),
        held=held,
        value=due["period_id"] if due else None,
        reason=f"{place.object} {document} belongs to {subject.expected}",
        refusals=(
            *_not_open(was, f"the period of {document}"),
            *_not_open(due, f"month {subject.expected}"),
        ),
        # a date that is put right meanwhile belongs to another month
        standing={"tranDate": dated["value"]} if dated else {},
    )


def _month(name: str, facts: Facts) -> Row | None:
    """The accounting month that is named like 2026-06."""
    return next((m for m in facts.months if f"{m['start_date']:%Y-%m}" == name), None)


def _not_open(period: Row | None, what: str) -> list[Refusal]:
    if period is None:
        return [not_in_snapshot("postingPeriod", what)]
    return closed_period(period["name"], period["is_closed"], period["is_ar_locked"])


def map_account(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PRD-GL-01: the account that finance maps to the item; what was posted is not touched."""
    place = PLACES["netsuite", "product", subject.attribute]
    item = subject.owner_id or ""
    account = facts.ledger_by_number.get(subject.expected or "")
    return field_correction(
        subject,
        rule,
        place,
        ("netsuite", item),
        held=facts.held.get(("netsuite", "product", item, subject.attribute)),
        value=account["account_id"] if account else None,
        reason=f"item {item} posts to another account than finance decided",
        refusals=_account_gap(place.name, subject.expected, account),
    )


def _account_gap(field: str, number: str | None, account: Row | None) -> tuple[Refusal, ...]:
    if number is None:
        problem, fix = "the mapping names no account", "add the row to ledger_accounts.csv"
    elif account is None:
        problem, fix = f"account {number} is not in the ERP", "set it up, or map another"
    elif account["is_inactive"] == "T":
        problem, fix = f"account {number} is inactive", "reactivate it in the ERP"
    else:
        return ()
    return (Refusal("ledger account", field, problem, fix),)
