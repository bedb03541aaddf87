"""What billing serves or changed without paper gets an opportunity that asks for it. Pure.

CON-MISS-02, CON-AMD-02 and CON-REN-01 (`renewed_in_billing_only`). It has a key that names the
subscription, contract or line, whatever sales calls it: while it is open, the night counts the
paper as asked for; closed as lost it finds the drift again.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import (
    Condition,
    amount_text,
    not_in_snapshot,
    stands,
)
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.new_records import record_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES

STAGE = "Needs Paper"
_MONTHS = 12
_WHY = {
    "CON-MISS-02": "billing serves what no contract covers",
    "CON-AMD-02": "billing was changed, and no contract says so",
    "CON-REN-01": "billing goes on after the term, and no contract renews it",
}
_AMOUNT = PLACES["salesforce", "mrr_month", "arr"]  # a number as the CRM tells it


def ask_for_paper(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """An opportunity over a year of what has no paper, to be closed by the next invoice.

    The day to close it by goes along, but is no part of what is wanted: it moves every period.
    """
    found = facts.unpapered.get(subject.row_key)
    noes = tuple(_refusals(subject, found, facts))
    asked = record_correction(
        subject,
        rule,
        action="ask_for_paper",
        target=("salesforce", "Opportunity", "salesforce.opportunity"),
        key=found["key"] if found else subject.row_key,
        body={} if noes or found is None else _body(found, facts),
        while_=[*_still(found)],
        mode=rule.mode,
        reason=_WHY[subject.code],
        refusals=noes,
    )
    if noes or found is None:
        return asked
    return replace(asked, payload={**asked.payload, "CloseDate": str(found["period_end"])})


def _still(found: Row | None) -> Iterator[Condition]:
    """That billing has the subscription as it was; who asks already is known by the key."""
    if found:
        same = {"id": found["subscription_id"]}
        yield stands("stripe", "subscription", same, status=found["status"])


def _refusals(subject: Subject, found: Row | None, facts: Facts) -> Iterator[Refusal]:
    if found is None:
        yield not_in_snapshot("subscription.id", f"the subscription of {subject.row_key!r}")
    elif found["accounts"] != 1:
        yield Refusal(
            "account",
            "Opportunity.AccountId",
            f"its customer has {found['accounts']} accounts in the CRM",
            "have an account made (CUS-MISS-01), or two of them merged (CUS-DUP-01), first",
        )
    elif found["currency"] not in facts.currencies:
        yield Refusal(
            "currency",
            "Opportunity.CurrencyIsoCode",
            f"the decimals of {found['currency']} are not known",
            f"activate {found['currency']} in the ERP",
        )
    elif found["period_end"] is None:
        yield Refusal(
            "close date",
            "Opportunity.CloseDate",
            "billing says no end of the period that runs",
            "make the opportunity by hand",
        )


def _body(found: Row, facts: Facts) -> dict[str, object]:
    exponent = facts.currencies[found["currency"]]["exponent"]
    return {
        "Name": found["name"],
        "AccountId": found["account_id"],
        "StageName": STAGE,
        "Amount": _AMOUNT.said(amount_text(_MONTHS * found["monthly_minor"], exponent)),
        "CurrencyIsoCode": found["currency"],
    }
