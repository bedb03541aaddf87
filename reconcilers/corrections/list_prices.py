"""The price of the price book, made in billing beside the ones that it sells by. Pure.

A price of billing never changes, and contracts may have negotiated the ones that are there: none
is archived here. The new one is sold by the same periods; undone it is archived, and what was
subscribed to at it meanwhile keeps it.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from reconcilers.corrections.billing_made import made_correction
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import not_in_snapshot, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule

_FIELD = "price.unit_amount_decimal"


def make_price(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """PRD-PRC-01: a price as the price book lists it, with the periods of the one beside it."""
    listed = facts.list_prices.get(subject.row_key)
    refusals = tuple(_against(listed, subject))
    planned = None if refusals else listed
    return made_correction(
        subject,
        rule,
        action="make_price",
        object_name="price",
        name=subject.owner_id or "",
        body=_body(planned, subject) if planned else {},
        within={"product": listed["product_id"], "active": "true"} if listed else {},
        conditions=[_beside(planned), _as_listed(planned, subject)] if planned else (),
        refusals=refusals,
        reason=f"billing sells by no price that is that of price book entry {subject.owner_id}",
    )


def _body(listed: Row, subject: Subject) -> dict[str, Any]:
    body = {
        "product": listed["product_id"],
        "currency": listed["currency"],
        "recurring": {
            "interval": listed["interval"],
            "interval_count": listed["interval_count"],
        },
        "metadata": {
            "crm_pricebook_entry_id": subject.owner_id,
            "q2c_correlation_id": subject.correlation_id,
        },
        **_amounts(listed),
    }
    told = listed["tax_behavior"] not in {None, "unspecified"}
    return {**body, "tax_behavior": listed["tax_behavior"]} if told else body


def _amounts(listed: Row) -> dict[str, Any]:
    """Minor units as exact decimal text, of a unit or of each tier."""
    if listed["tiers"] is None:
        return {"unit_amount_decimal": _plain(listed["unit_amount"])}
    tiers = [_tier(one) for one in json.loads(listed["tiers"])]
    return {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}


def _tier(one: Mapping[str, Any]) -> dict[str, Any]:
    """A tier as Stripe takes it; a flat amount of nothing is none."""
    tier = {
        "up_to": "inf" if one["up_to"] is None else int(one["up_to"]),
        "unit_amount_decimal": _plain(one["unit_amount"]),
    }
    flat = _plain(one["flat_amount"] or "0")
    return tier if flat == "0" else {**tier, "flat_amount_decimal": flat}


def _plain(amount: str) -> str:
    """Without the zeros that its type adds."""
    return format(Decimal(amount).normalize(), "f")


def _beside(listed: Row) -> dict[str, Any]:
    """That what it stands beside is sold still: else somebody is at work on the prices."""
    return stands("stripe", "price", {"id": listed["offer_id"]}, active=True)


def _as_listed(listed: Row, subject: Subject) -> dict[str, Any]:
    """That nobody saved the entry of the price book since the night read it."""
    entry, version = {"id": subject.owner_id or ""}, listed["entry_version"]
    return stands("salesforce", "PricebookEntry", entry, SystemModstamp=version)


def charged(price: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a price of billing comes to and how often, told alike of one to be made."""
    every = price.get("recurring") or {}
    tiers = tuple(
        (
            str(one["up_to"] or "inf"),
            _amount(one, "unit_amount"),
            _amount(one, "flat_amount"),
        )
        for one in price.get("tiers") or ()
    )
    return (
        price.get("currency"),
        every.get("interval"),
        every.get("interval_count", 1),
        every.get("usage_type", "licensed"),
        price.get("tiers_mode"),
        tiers or _amount(price, "unit_amount"),
    )


def _amount(held: Mapping[str, Any], name: str) -> Decimal:
    """Minor units; the decimal form is the exact one."""
    return Decimal(str(held.get(f"{name}_decimal") or held.get(name) or 0))


def _against(listed: Row | None, subject: Subject) -> Iterator[Refusal]:
    if listed is None:
        yield not_in_snapshot(_FIELD, f"price book entry {subject.owner_id!r} with billing's price")
    elif listed["unit_amount"] is None and listed["tiers"] is None:
        problem = "the price book lists neither a price nor tiers"
        yield Refusal("list price", _FIELD, problem, "price it in the price book")
    elif listed["tiers"] is None and Decimal(listed["unit_amount"]) % 1:
        problem = f"it comes to {_plain(listed['unit_amount'])} minor units, which are not whole"
        yield Refusal("list price", _FIELD, problem, "make the price in billing by hand")
    elif listed["tiers"] is not None and (listed["interval"], listed["interval_count"]) != (
        "month",
        1,
    ):
        problem = f"tiers are listed by the month, and billing sells by the {listed['interval']}"
        yield Refusal("list price", "price.tiers", problem, "make the price in billing by hand")
