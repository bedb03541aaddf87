"""Corrections of contract lines that billing charges twice: the later item goes. Pure.

Where one of them is in the subscription of the contract, that one stays, whichever is older.
Without proration: what the copy was charged is for a credit note, which people decide on.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from extractors.billing.stripe.writable import written_items
from reconcilers.corrections.correction import Correction, Refusal, Subject
from reconcilers.corrections.document import WHILE, Condition, stands
from reconcilers.corrections.facts import Facts, Row
from reconcilers.corrections.field_copies import field_correction
from reconcilers.corrections.policy import Rule
from reconcilers.corrections.subscription_ends import STANDING, end_refusals, ending
from reconcilers.corrections.wire_fields import NO_PRORATION, PLACES

_ITEMS = PLACES["stripe", "contract_line", "product_code"]


def end_copy(subject: Subject, rule: Rule, facts: Facts) -> Correction | None:
    """SUB-DUP-01: the item leaves its subscription; one that bills nothing else ends."""
    copy = facts.billed_twice.get(subject.row_key)
    if copy is None:
        return None
    items = written_items(json.loads(copy["items"]))
    alone = len(items) == 1
    write = _end_alone if alone else _take_out
    planned = write(subject, rule, copy, facts)
    if planned.refusals:
        return planned
    return replace(planned, after={**planned.after, WHILE: _kept(copy)})


def _end_alone(subject: Subject, rule: Rule, copy: Row, facts: Facts) -> Correction:
    """It bills the line until the end of the period that was charged."""
    held = facts.ends.get(copy["subscription_id"])
    return replace(
        ending(
            subject,
            rule,
            copy["subscription_id"],
            held,
            reason=_reason(copy),
            refusals=end_refusals(held) if held else (),
        ),
        action="end_billing_copy",
    )


def _take_out(subject: Subject, rule: Rule, copy: Row, _: Facts) -> Correction:
    whole = json.loads(copy["items"])
    left = [one for one in whole if one["id"] != copy["item_id"]]
    before, after = (json.dumps(written_items(items)) for items in (whole, left))
    planned = field_correction(
        subject,
        rule,
        _ITEMS,
        ("stripe", copy["subscription_id"]),
        held={"value": before, "version": copy["version"]},
        value=after,
        action="end_billing_copy",
        reason=_reason(copy),
        refusals=_against(copy, left),
        standing=STANDING,
    )
    gone = {"items": [{"id": copy["item_id"], "deleted": True}], **NO_PRORATION}
    return replace(planned, payload=gone if planned.payload else {})


def _against(copy: Row, left: list[Mapping[str, Any]]) -> tuple[Refusal, ...]:
    if copy["schedule_id"]:
        problem = f"schedule {copy['schedule_id']} bills it again with its next phase"
        fix = "take it out of the phases of the schedule in billing"
    elif copy["quantity"] is None:
        problem, fix = "the item is metered", "bill its usage, then take it out in billing"
    elif len(left) != len(json.loads(copy["items"])) - 1:
        problem, fix = "the item is no longer there", "let the next night read it again"
    else:
        return ()
    return (Refusal("copy", f"{_ITEMS.object}.{_ITEMS.name}", problem, fix),)


def _kept(copy: Row) -> list[Condition]:
    """What bills the line first goes on billing it."""
    kept = {"id": copy["kept_id"]}
    runs = {"cancel_at_period_end": False, "ended_at": None}
    return [
        stands("stripe", "subscription_item", kept, quantity=copy["kept_quantity"]),
        stands("stripe", "subscription", {"id": copy["kept_subscription_id"]}, **runs),
    ]


def taken_out(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Any]:
    """The items that stand in the first image of a subscription and not in the second."""
    left, gone = [*after.get("items", ())], []
    for item in before.get("items", ()):
        if item in left:
            left.remove(item)
        else:
            gone.append(item)
    return gone


def _reason(copy: Row) -> str:
    return (
        f"{copy['kept_id']} bills the contract line already; what was charged for the copy "
        f"({copy['charged_minor']} minor units) is for a credit note"
    )
