"""Corrections of contracts that nothing bills: a schedule whose phases are their lines. Pure.

It begins with the next period of the contract; what was missed before is charged by people. Only
where every line has a price, a coupon and a customer of billing that can be no other.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from reconcilers.corrections.billing_made import made_correction
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, nothing, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.signed_discounts import ways_to_give
from reconcilers.corrections.signed_ends import months_after
from reconcilers.corrections.signed_prices import one_price

_PERIODS = {"monthly": ("month", 1), "quarterly": ("month", 3), "annual": ("year", 1)}
_MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12}
# Time for two people to agree before it begins.
_LEAD = timedelta(days=3)
SCHEDULE = "subscription_schedule"


def plan_subscription(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CON-MISS-01: the contract is billed from its next period on."""
    contract = facts.unbilled.get(subject.row_key)
    if contract is None:
        return None
    lines = facts.unbilled_lines.get(contract["contract_id"], ())
    begins = _next_period(contract)
    refusals = tuple(_against(contract, lines, begins))
    phases: list[dict[str, Any]] = []
    if not refusals and begins:
        phases, refusals = _phases(contract, lines, begins, facts)
    within = {"customer": contract["customer_id"], "scheduled": "true"}
    return made_correction(
        subject,
        rule,
        action="plan_subscription",
        object_name=SCHEDULE,
        name=contract["contract_id"],
        body={} if refusals or not begins else _body(contract, phases, begins),
        within=within,
        conditions=() if refusals else _while(contract, phases, within),
        refusals=refusals,
        reason=(
            f"nothing bills contract {contract['contract_id']}: it is billed from {begins} on; "
            "what was missed before is charged by people"
        ),
    )


def _body(contract: Row, phases: Sequence[Mapping[str, Any]], begins: date) -> dict[str, Any]:
    """The first invoice is a draft of billing's until it is finalized, as any other."""
    days = contract["payment_terms_days"]
    return {
        "customer": contract["customer_id"],
        "start_date": _noon(begins),
        "end_behavior": "release" if contract["is_auto_renewed"] else "cancel",
        "default_settings": {
            "collection_method": "send_invoice",
            "invoice_settings": {"days_until_due": days},
        },
        "phases": list(phases),
        "metadata": _named(contract),
    }


def _named(contract: Row) -> dict[str, str]:
    named = {
        "crm_contract_id": contract["contract_id"],
        "crm_opportunity_id": contract["opportunity_id"],
        "legal_entity": contract["legal_entity"],
        "q2c_correlation_id": contract["correlation_id"],
    }
    return {name: value for name, value in named.items() if value}


def _while(
    contract: Row, phases: Sequence[Mapping[str, Any]], within: Mapping[str, str]
) -> list[Condition]:
    """Nothing was set up for the contract meanwhile, and the prices are in use."""
    own = {"metadata.crm_contract_id": contract["contract_id"]}
    prices = sorted({item["price"] for phase in phases for item in phase["items"]})
    return [
        nothing("stripe", "subscription", customer=contract["customer_id"], **own),
        nothing("stripe", SCHEDULE, **within, **own),
        *(stands("stripe", "price", {"id": price}, active=True) for price in prices),
    ]


def _against(contract: Row, lines: Sequence[Row], begins: date | None) -> Iterator[Refusal]:
    if contract["customer_count"] != 1:
        problem = f"{contract['customer_count']} billing customers could be the one"
        fix = "make the billing customer, or leave one in use, in the contract's currency"
        yield _refusal("one customer", "customer", problem, fix)
    if contract["payment_terms_days"] is None:
        problem, fix = "nobody granted terms of payment", "set the customer's terms in the ERP"
        yield _refusal("terms", "default_settings", problem, fix)
    if begins is None:
        problem = f"no period of the contract ({contract['billing_frequency']}) is left to begin"
        yield _refusal("period", "start_date", problem, "bill what is left of it by hand")
    if not lines:
        yield _refusal("lines", "phases", "no line recurs", "look at the contract's lines")


def _phases(
    contract: Row, lines: Sequence[Row], begins: date, facts: Facts
) -> tuple[list[dict[str, Any]], tuple[Refusal, ...]]:
    """A phase for each time in which the same lines are served; or what is missing in billing."""
    items: dict[str, dict[str, Any]] = {}
    refusals: list[Refusal] = []
    for line in lines:
        item, noes = _item(contract, line, facts)
        items[line["contract_line_id"]] = item
        refusals += noes
    days = {day for line in lines for day in (line["start_date"], _after(line["end_date"]))}
    bounds = [begins, *sorted(day for day in days if day > begins)]
    phases = [
        {
            "end_date": _noon(until),
            "proration_behavior": "none",
            "metadata": _named(contract) | {"channel": "sales_led"},
            "items": [items[line["contract_line_id"]] for line in lines if _is_served(line, since)],
        }
        for since, until in pairwise(bounds)
    ]
    if not refusals and not all(phase["items"] for phase in phases):
        problem = "for a time no line of the contract is served"
        refusals = [_refusal("lines", "phases", problem, "set it up in billing by hand")]
    return phases, tuple(refusals)


def _item(contract: Row, line: Row, facts: Facts) -> tuple[dict[str, Any], tuple[Refusal, ...]]:
    interval, count = _PERIODS[contract["billing_frequency"]]
    wanted = {
        "product_id": line["product_id"],
        "currency": contract["currency"].lower(),
        "interval": interval,
        "interval_count": count,
    }
    price, noes = one_price(line, wanted, facts)
    ways = ways_to_give(Fraction(line["discount_percent"]), facts.coupons)
    if len(ways) != 1:
        problem = f"{len(ways)} coupons take {Fraction(line['discount_percent'])} % off for good"
        noes = (*noes, _refusal("one coupon", "phases.items.discounts", problem, "make one coupon"))
    item = {
        "price": price,
        "quantity": line["quantity"],
        "metadata": {"crm_contract_line_id": line["contract_line_id"]},
    }
    return item | ({"discounts": ways[0]} if ways and ways[0] else {}), noes


def _is_served(line: Row, day: date) -> bool:
    return bool(line["start_date"] <= day <= line["end_date"])


def _next_period(contract: Row) -> date | None:
    """The first day of a period of the contract that lies far enough ahead."""
    months = _MONTHS.get(contract["billing_frequency"])
    first, last = contract["start_date"], contract["end_date"]
    if months is None or first is None or last is None:
        return None
    counted = ((last.year - first.year) * 12 + last.month - first.month) // months + 1
    days = (months_after(first, count * months) for count in range(counted + 1))
    return next((day for day in days if contract["as_of_date"] + _LEAD <= day <= last), None)


def _after(day: date) -> date:
    return day + timedelta(days=1)


def _noon(day: date) -> int:
    """An instant of a day that is the same day wherever we sell; unix seconds."""
    return int(datetime.combine(day, time(12), UTC).timestamp())


def _refusal(check: str, field: str, problem: str, fix: str) -> Refusal:
    return Refusal(check, f"{SCHEDULE}.{field}", problem, fix)
