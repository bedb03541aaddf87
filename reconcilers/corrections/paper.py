"""CON-MISS-02: what is served without a contract gets an opportunity that asks for the paper. Pure.

It is named after the subscription: while it is open, the night counts the paper as asked for
(cmp_contract__crm_vs_billing); closed as lost it finds the drift again.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import amount_text, not_in_snapshot, nothing, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.new_records import record_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES

STAGE = "Needs Paper"
_MONTHS = 12
_AMOUNT = PLACES["salesforce", "mrr_month", "arr"]  # a number as the CRM tells it


def ask_for_paper(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """An opportunity over a year of what billing charges, to be closed by the next invoice.

    The day to close it by goes along, but is no part of what is wanted: it moves every period.
    """
    subscription = subject.owner_id or ""
    found = facts.unpapered.get(subscription)
    noes = tuple(_refusals(subscription, found, facts))
    name, status = f"Unpapered {subscription}", (found or {}).get("status")
    body = {} if noes or found is None else _body(name, found, facts)
    asked = record_correction(
        subject,
        rule,
        action="ask_for_paper",
        target=("salesforce", "Opportunity", "salesforce.opportunity"),
        key=f"unpapered_{subscription}",
        body=body,
        while_=[
            nothing("salesforce", "Opportunity", Name=name),
            stands("stripe", "subscription", {"id": subscription}, status=status),
        ],
        mode=rule.mode,
        reason=f"subscription {subscription} is served and paid, and no contract covers it",
        refusals=noes,
    )
    if noes or found is None:
        return asked
    return replace(asked, payload={**asked.payload, "CloseDate": str(found["period_end"])})


def _refusals(subscription: str, found: Row | None, facts: Facts) -> Iterator[Refusal]:
    if found is None:
        yield not_in_snapshot("subscription.id", f"subscription {subscription!r}")
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


def _body(name: str, found: Row, facts: Facts) -> dict[str, object]:
    exponent = facts.currencies[found["currency"]]["exponent"]
    return {
        "Name": name,
        "AccountId": found["account_id"],
        "StageName": STAGE,
        "Amount": _AMOUNT.said(amount_text(_MONTHS * found["mrr_minor"], exponent)),
        "CurrencyIsoCode": found["currency"],
    }
