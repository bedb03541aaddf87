"""What is asked again just before something is done that rests on what another system says."""

from collections.abc import Mapping
from typing import Any

from extractors.protocol import Target
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.delivery import Order, Outcome
from reconcilers.corrections.document import WHILE, WITHIN, Condition
from reconcilers.corrections.endings import refused
from reconcilers.corrections.list_prices import charged
from reconcilers.corrections.outbox import OVERTAKEN
from reconcilers.corrections.send_checks import ERP, broken
from reconcilers.corrections.states import CorrectionState as S

_TO_END_THE_OTHER = 2 * 86_400  # seconds that two people have at the least
# What is asked of another system: the check, the field that rests on it, the system in words.
_ASKED = {
    ERP: ("ERP", "payment", "the ERP"),
    "salesforce": ("CRM", "price.unit_amount_decimal", "the CRM"),
    "stripe": ("billing", "subscription.cancel_at", "billing"),
}


async def before_deed(target: Target, others: Mapping[str, Target], order: Order) -> Outcome | None:
    """Why it must not be done now, and where that leaves it; None when it may.

    `others` are the systems that it may be planned from, by name; they are only read.
    """
    conditions: list[Condition] = order.after.get(WHILE, [])
    for condition in conditions:
        if condition["system"] == target.system:
            rows = await _found(target, condition)
        elif condition["system"] not in others:
            return refused((_not_to_ask(condition["system"]),))
        else:
            rows = await _found(others[condition["system"]], condition)
        if no := broken(rows, condition, order.record_id):
            return Outcome(S.SUPERSEDED, OVERTAKEN, no)
    if twin := await _equal_price(target, order):
        return Outcome(S.SUPERSEDED, OVERTAKEN, f"price {twin} is as much, and on sale")
    if late := _past_its_start(target, order):
        return refused((late,))
    return None


async def _found(system: Target, condition: Condition) -> list[Mapping[str, Any]]:
    """The record of an id, or all that a list has; the ERP's documents are found by lists alone."""
    equals = condition["equals"]
    if "id" not in equals or system.system == ERP:
        return [*await system.lookup(condition["object"], **equals)]
    found = await system.read(condition["object"], equals["id"])
    return [found] if found else []


async def _equal_price(billing: Target, order: Order) -> str | None:
    """A price on sale of the same product that charges what a new one would, whoever made it."""
    if order.object != "price" or order.operation != "create":
        return None
    wanted = charged(order.payload)
    on_sale = await billing.lookup("price", **order.after[WITHIN])
    return next((str(one["id"]) for one in on_sale if charged(one) == wanted), None)


def _past_its_start(billing: Target, order: Order) -> Refusal | None:
    """A plan that would begin in the past would charge for it.

    What bills an item until it is moved still has to be ended before it is charged anew.
    """
    if order.operation != "create":
        return None
    name = "start_date" if "start_date" in order.payload else "proration_date"
    starts, now = order.payload.get(name), billing.newest_at
    ahead = _TO_END_THE_OTHER if name == "proration_date" else 0
    if starts is None or (now is not None and starts - ahead > now.timestamp()):
        return None
    return Refusal(
        "period",
        f"{order.object}.{name}",
        "its first day has come, or is too near",
        "let the next night plan it from the next period on",
    )


def _not_to_ask(system: str) -> Refusal:
    check, field, name = _ASKED[system]
    return Refusal(
        check,
        field,
        f"{name} cannot be read, so what it is planned from may have changed",
        f"connect {name}, then let the next night plan it again",
    )
