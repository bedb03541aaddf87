"""What is asked again just before something is done to a document of billing."""

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
            found = await billing.read(condition["object"], condition["equals"]["id"])
            rows = [found] if found else []
        elif erp is None:
            return refused((_no_erp_to_ask(),))
        else:
            rows = [*await erp.lookup(condition["object"], **condition["equals"])]
        if no := broken(rows, condition, order.record_id):
            return Outcome(S.SUPERSEDED, OVERTAKEN, no)
    return None


def _no_erp_to_ask() -> Refusal:
    return Refusal(
        "ERP",
        "payment",
        "the ERP cannot be read, so what it is planned from may have changed",
        "connect the ERP, then let the next night plan it again",
    )
