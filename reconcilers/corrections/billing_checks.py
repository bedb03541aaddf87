"""What is asked again just before something is done to a document of billing."""

from collections.abc import Mapping
from typing import Any

from extractors.protocol import Target
from reconcilers.corrections.correction import Refusal
from reconcilers.corrections.delivery import Order, Outcome
from reconcilers.corrections.document import WHILE, Condition
from reconcilers.corrections.endings import refused
from reconcilers.corrections.outbox import OVERTAKEN
from reconcilers.corrections.send_checks import broken
from reconcilers.corrections.states import CorrectionState as S


async def before_deed(billing: Target, erp: Target | None, order: Order) -> Outcome | None:
    """Why it must not be done now, and where that leaves it; None when it may."""
    conditions: list[Condition] = order.after.get(WHILE, [])
    for condition in conditions:
        if condition["system"] == billing.system:
            rows = await _of_billing(billing, condition)
        elif erp is None:
            return refused((_no_erp_to_ask(),))
        else:
            rows = [*await erp.lookup(condition["object"], **condition["equals"])]
        if no := broken(rows, condition, order.record_id):
            return Outcome(S.SUPERSEDED, OVERTAKEN, no)
    if late := _past_its_start(billing, order):
        return refused((late,))
    return None


async def _of_billing(billing: Target, condition: Condition) -> list[Mapping[str, Any]]:
    """The record of an id, or all that a list has."""
    equals = condition["equals"]
    if "id" not in equals:
        return await billing.lookup(condition["object"], **equals)
    found = await billing.read(condition["object"], equals["id"])
    return [found] if found else []


def _past_its_start(billing: Target, order: Order) -> Refusal | None:
    """A plan that would begin in the past would charge for it."""
    starts = order.payload.get("start_date")
    now = billing.newest_at
    if starts is None or (now is not None and starts > now.timestamp()):
        return None
    return Refusal(
        "period",
        f"{order.object}.start_date",
        "its first day has come",
        "let the next night plan it from the next period on",
    )


def _no_erp_to_ask() -> Refusal:
    return Refusal(
        "ERP",
        "payment",
        "the ERP cannot be read, so what it is planned from may have changed",
        "connect the ERP, then let the next night plan it again",
    )
