"""Add-ons that a subscription of their own bills, moved onto their contract's. Pure.

In two writes, of two nights. The first makes the item in the contract's subscription, charged from
when the period ends that was paid for it, so that no day is paid twice and nothing goes back. From
then on the line is billed twice (SUB-DUP-01), and what billed it before ends with that period. To
cancel it at once would leave its credit to a subscription that is never invoiced again.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from extractors.billing.stripe.writable import coupons
from reconcilers.corrections.billing_made import made_correction
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import Condition, not_in_snapshot, nothing, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import NO_PRORATION

Item = dict[str, Any]
_OBJECT = "subscription_item"
_LINE = "crm_contract_line_id"
# Time for two people to agree to each of the two writes, before the first period is charged anew.
_LEAD = timedelta(days=4)


def move_item(subject: Subject, rule: Rule, facts: Facts) -> Correction:
    """CON-COT-01, another subscription: the contract's subscription bills the line from then on."""
    add_on = facts.add_ons.get(subject.row_key)
    known = {one["coupon_id"] for one in facts.coupons}
    refusals = tuple(_against(add_on, known)) if add_on else (_unseen(subject),)
    sound = add_on if add_on and not refusals else None
    planned = made_correction(
        subject,
        rule,
        action="move_add_on",
        object_name=_OBJECT,
        name=subject.owner_id or "",
        body=_body(sound) if sound else {},
        within={"subscription": (add_on or {}).get("contract_subscription_id")},
        conditions=[*_while(sound)] if sound else (),
        refusals=refusals,
        reason=(
            f"subscription {subject.replica_id} bills the line alone: that of its contract does, "
            "from the end of the period that was paid; the other one ends then (SUB-DUP-01)"
        ),
    )
    return replace(planned, watermark_object="stripe.subscription")


def _body(add_on: Row) -> dict[str, Any]:
    item = _item(add_on)
    paid_until, ends = item["current_period_end"], _period_end(add_on)
    stub = {"proration_behavior": "create_prorations", "proration_date": paid_until}
    return {
        "subscription": add_on["contract_subscription_id"],
        "price": item["price"]["id"],
        "quantity": item["quantity"],
        "metadata": {**(item.get("metadata") or {}), _LINE: add_on["line_id"]},
        **({"discounts": given} if (given := coupons(item.get("discounts"))) else {}),
        **(stub if paid_until < ends else NO_PRORATION),
    }


def _while(add_on: Row) -> Iterator[Condition]:
    """Both subscriptions run in the periods that the night saw, and the line is billed as it was.

    An undo asks the same again: only while the other one goes on is the item taken out.
    """
    item, own = _item(add_on), add_on["contract_subscription_id"]
    for subscription, end, which in (
        (own, _period_end(add_on), "contract_"),
        (add_on["subscription_id"], item["current_period_end"], ""),
    ):
        yield stands(
            "stripe",
            "subscription",
            {"id": subscription},
            status="active",
            schedule=None,
            current_period_end=end,
            cancel_at=add_on[f"{which}cancel_at"],
            default_tax_rates=[],
        )
    held = {"price": item["price"]["id"], "quantity": item["quantity"]}
    given = coupons(item.get("discounts"))
    yield stands("stripe", _OBJECT, {"id": item["id"]}, **held, discounts=given)
    named = {f"metadata.{_LINE}": add_on["line_id"]}
    yield nothing("stripe", _OBJECT, subscription=own, **named)


def _against(add_on: Row, known: Collection[str]) -> Iterator[Refusal]:
    yield from _against_subscriptions(add_on)
    if add_on["item_count"] != 1 or _found(add_on) is None:
        problem = f"{add_on['item_count']} items bill the line"
        yield _refusal("one item", "quantity", problem, "decide which of them is wrong")
        return
    yield from _against_item(_item(add_on), add_on, known)


def _against_subscriptions(add_on: Row) -> Iterator[Refusal]:
    for which, name in (("", "subscription_id"), ("contract_", "contract_subscription_id")):
        key, plan = add_on[name], add_on[f"{which}schedule_id"]
        if add_on[f"{which}status"] != "active":
            problem = f"subscription {key} is {add_on[f'{which}status']}"
            yield _refusal("active", "subscription", problem, "settle it first, then move the item")
        if plan:
            problem = f"schedule {plan} says what subscription {key} bills next"
            yield _refusal("no schedule", "subscription", problem, "change its phases in billing")
        if json.loads(add_on[f"{which}discounts"] or "[]"):
            problem = f"subscription {key} has a discount, which the other one does not have"
            yield _refusal("no discount", "discounts", problem, "move the item in billing")
    if add_on["cancel_at"] and not add_on["ends_with_period"]:
        problem = "its subscription ends on a day of its own"
        yield _refusal("end", "subscription", problem, "let it end there, and bill the line after")
    if add_on["contract_cancel_at"] and add_on["contract_ends_with_period"]:
        problem = "the subscription of the contract ends with its period"
        yield _refusal("end", "subscription", problem, "find out whether the customer left")
    if add_on["channel"] == "self_serve":
        problem = "the customer signed up for it alone"
        yield _refusal("sold", "subscription", problem, "find out whether it is the add-on")
    if any(add_on[name] != add_on[f"contract_{name}"] for name in ("customer_id", "currency")):
        problem = "the two subscriptions are of two customers of billing, or of two currencies"
        yield _refusal("one customer", "subscription", problem, "bill it where it was sold")


def _against_item(item: Item, add_on: Row, known: Collection[str]) -> Iterator[Refusal]:
    price, by_hand = item["price"], "move the item in billing"
    if item.get("tax_rates") or not _are_plain(coupons(item.get("discounts")), known):
        problem = "the item has tax rates of its own, or a discount that is no percentage for good"
        yield _refusal("plain item", "discounts", problem, by_hand)
    if price.get("billing_scheme") != "per_unit" or not price.get("active") or not _is_sold(price):
        problem = f"price {price['id']} is metered, by tiers or no longer sold"
        yield _refusal("plain price", "price", problem, by_hand)
    others = json.loads(add_on["contract_items"])
    ends = {one.get("current_period_end") for one in others}
    if {_every(one) for one in others} != {_every(item)} or len(ends) != 1:
        problem = "not all that the contract's subscription bills has the periods of this price"
        yield _refusal("one anchor", "price", problem, "make a price for the contract's periods")
        return
    if not add_on["is_as_signed"]:
        problem = "it is billed for other units or another amount than was signed"
        yield _refusal("as signed", "quantity", problem, "put that right first, in either system")
    paid_until = item["current_period_end"]
    if paid_until > _period_end(add_on):
        problem = "it is paid for longer than the period that the contract's subscription is in"
        yield _refusal("period", "proration_date", problem, "wait until that one ends first")
    if paid_until - add_on["read_at"] < _LEAD.total_seconds():
        problem = "it is charged again before two people could agree twice"
        yield _refusal("period", "proration_date", problem, "wait for its next period")


def _are_plain(discounts: list[Any], known: Collection[str]) -> bool:
    return all(one.keys() == {"coupon"} and one["coupon"] in known for one in discounts)


def _is_sold(price: Item) -> bool:
    return bool((price.get("recurring") or {}).get("usage_type") == "licensed")


def _every(item: Item) -> tuple[Any, ...]:
    """How often an item is charged."""
    every = item["price"].get("recurring") or {}
    return every.get("interval"), every.get("interval_count", 1)


def _period_end(add_on: Row) -> int:
    return int(json.loads(add_on["contract_items"])[0]["current_period_end"])


def _item(add_on: Row) -> Item:
    found = _found(add_on)
    assert found is not None
    return found


def _found(add_on: Row) -> Item | None:
    items: list[Item] = json.loads(add_on["items"])
    return next((one for one in items if one["id"] == add_on["item_id"]), None)


def _refusal(check: str, field: str, problem: str, fix: str) -> Refusal:
    return Refusal(check, f"{_OBJECT}.{field}", problem, fix)


def _unseen(subject: Subject) -> Refusal:
    return not_in_snapshot(f"{_OBJECT}.subscription", f"what bills line {subject.owner_id!r}")
