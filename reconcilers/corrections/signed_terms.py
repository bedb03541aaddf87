"""Corrections of what billing executes, to what was signed: units, and renewal. Pure."""

from collections.abc import Sequence

from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.wire_fields import PLACES, Place

_PLACE = PLACES["stripe", "contract_line", "quantity"]
_RENEWAL = PLACES["stripe", "contract", "is_auto_renewed"]


def correct_quantity(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """SUB-QTY-01: the item of the product gets the quantity of the contract, without proration.

    What was charged until now stays as it is.
    """
    if subject.replica_id is None or subject.expected is None:
        return None
    *_, product = subject.row_key.split(":")
    items = facts.billed_items.get((subject.replica_id, product), ())
    refusals = one_item(_PLACE, items)
    item = None if refusals else items[0]
    return field_correction(
        subject,
        rule,
        _PLACE,
        ("stripe", item["item_id"] if item else subject.replica_id),
        held={"value": f"{item['quantity']}", "version": item["version"]} if item else None,
        value=subject.expected,
        reason=f"{subject.expected} of {product} were sold, and billing charges another number",
        refusals=refusals,
    )


def correct_renewal(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """CON-TERM-01, renewal: whether the schedule lets the subscription go on after its phases.

    All else of a term is changed by people: it moves what was invoiced, or needs new prices.
    """
    if subject.attribute != "is_auto_renewed" or subject.replica_id is None:
        return None
    plans = facts.schedules.get(subject.replica_id, ())
    refusals = () if len(plans) == 1 else (_not_one_plan(len(plans)),)
    plan = None if refusals else plans[0]
    return field_correction(
        subject,
        rule,
        _RENEWAL,
        ("stripe", plan["schedule_id"] if plan else subject.replica_id),
        held={"value": plan["end_behavior"], "version": plan["version"]} if plan else None,
        value="release" if subject.expected == "true" else "cancel",
        reason="the contract says otherwise of what comes after its term",
        refusals=refusals,
    )


def _not_one_plan(count: int) -> Refusal:
    return Refusal(
        "one schedule",
        f"{_RENEWAL.object}.{_RENEWAL.name}",
        f"{count} schedules plan what comes after the term",
        "set in billing when the subscription ends, or that it goes on",
    )


def one_item(place: Place, items: Sequence[Row]) -> tuple[Refusal, ...]:
    """Why what bills a product is not one plain item, whose terms are its own."""
    if len(items) != 1:
        problem = f"{len(items)} items of the subscription bill this product"
        fix = "decide which of them is wrong and change it in billing"
    elif items[0]["quantity"] is None:
        problem, fix = "the item is metered", "look at its meter instead"
    elif items[0]["schedule_id"]:
        plan = items[0]["schedule_id"]
        problem = f"schedule {plan} sets the {place.name} again with its next phase"
        fix = "change the phases of the schedule in billing"
    else:
        return ()
    return (Refusal("one item", f"{place.object}.{place.name}", problem, fix),)
