"""CON-TERM-01: paper and billing do not agree on the term, its renewal, or how it is billed."""

from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.drift.sold_lines import Sold, sold_lines, subscription_of
from extractors.sandbox.reference import CURRENCIES, LEGAL_ENTITIES
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY

_MONTHS_OF_YEAR = 12
_OTHER_FREQUENCY = {"Annual": "Monthly", "Monthly": "Annual"}


def plant_other_term(ground: Ground, count: int) -> None:
    """One thing that both sides say of a contract is changed on one of them."""
    sold = sold_lines(ground)
    planned = [each for each in sold if each.subscription.get("schedule")]
    plain = [each for each in sold if not each.subscription.get("schedule")]
    first = [each for each in plain if not _contract(ground, each).get("Renews_Contract__c")]
    pools = {
        "start_moved": first,
        "end_moved": planned,
        "frequency_changed": plain,
        "billed_by_the_year": [each for each in plain if _is_monthly(each)],
        "renewal_not_agreed": sold,
        "plan_ends": planned,
        "other_entity": plain,
        "other_currency": sold,
    }
    for variant, each in ground.choose(count, pools, subscription_of):
        if variant == "billed_by_the_year":
            _bill_by_the_year(ground, each)
        elif variant == "plan_ends":
            plan = each.subscription["schedule"]
            at = ground.tick()
            ground.change("stripe", "subscription_schedule", plan, at, end_behavior="cancel")
        else:
            fields = _changed(ground, variant, _contract(ground, each))
            ground.change("salesforce", "Contract", each.contract_id, ground.tick(), **fields)
        ground.freeze(each.who, f"subscription:{each.subscription_id}")
        ground.planted(
            ("salesforce", each.contract_id),
            ("stripe", each.subscription_id),
            attribute=_ATTRIBUTES[variant],
            variant=variant,
        )


_ATTRIBUTES = {
    "start_moved": "start_date",
    "end_moved": "end_date",
    "frequency_changed": "billing_frequency",
    "billed_by_the_year": "billing_frequency",
    "renewal_not_agreed": "is_auto_renewed",
    "plan_ends": "is_auto_renewed",
    "other_entity": "legal_entity",
    "other_currency": "currency",
}


def _contract(ground: Ground, sold: Sold) -> Record:
    contract = ground.store.get("salesforce", "Contract", sold.contract_id)
    assert contract is not None
    return contract


def _changed(ground: Ground, variant: str, contract: Record) -> Record:
    """What the CRM says instead."""
    days = timedelta(days=ground.rng.randrange(1, 60))
    if variant == "start_moved":
        return {"StartDate": (date.fromisoformat(contract["StartDate"]) - days).isoformat()}
    if variant == "end_moved":
        return {"EndDate": (date.fromisoformat(contract["EndDate"]) + days).isoformat()}
    if variant == "frequency_changed":
        return {"Billing_Frequency__c": _OTHER_FREQUENCY[contract["Billing_Frequency__c"]]}
    if variant == "other_entity":
        others = sorted(LEGAL_ENTITIES.keys() - {contract["Legal_Entity__c"]})
        return {"Legal_Entity__c": ground.rng.choice(others)}
    if variant == "other_currency":
        others = sorted(CURRENCIES.keys() - {contract["CurrencyIsoCode"]})
        return {"CurrencyIsoCode": ground.rng.choice(others)}
    return {"Auto_Renew__c": False}


def _is_monthly(sold: Sold) -> bool:
    """Whether every item has a plain price a month."""
    prices = [item["price"] for item in sold.subscription["items"]["data"]]
    return all(
        price["recurring"]["interval"] == "month"
        and price["unit_amount_decimal"] is not None
        and price["recurring"].get("usage_type") != "metered"
        for price in prices
    )


def _bill_by_the_year(ground: Ground, sold: Sold) -> None:
    """The same prices for twelve months at once."""
    at = ground.tick()
    items = sold.subscription["items"]
    yearly = [item | {"price": _for_a_year(ground, item["price"], at)} for item in items["data"]]
    changed = items | {"data": yearly}
    ground.change("stripe", "subscription", sold.subscription_id, at, items=changed)


def _for_a_year(ground: Ground, price: Record, at: int) -> Record:
    unit = Decimal(price["unit_amount_decimal"]) * _MONTHS_OF_YEAR
    is_whole = unit == unit.to_integral_value()
    made = price | {
        "id": ground.store.new_id("stripe", "price"),
        "unit_amount": int(unit) if is_whole else None,
        "unit_amount_decimal": str(int(unit) if is_whole else unit.normalize()),
        "recurring": price["recurring"] | {"interval": "year"},
        "created": ground.now - 30 * DAY,
    }
    return ground.add("stripe", "price", made, at)
