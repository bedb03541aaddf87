"""SUB-STAT-01: the CRM's copy of a subscription's state is wrong."""

from typing import NamedTuple

from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import crm_status, stamp
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import Company


class Copied(NamedTuple):
    """A subscription with the CRM's record of it."""

    who: Company
    subscription: Record
    crm_id: str


def _key(copied: Copied) -> str:
    return str(copied.subscription["id"])


def plant_stale_copy(ground: Ground, count: int) -> None:
    """A copy was missed days ago, or billing never carried out a cancellation."""
    copies = _copies(ground)
    pools = {
        "cancellation_not_copied": [c for c in copies if _says(c, "Cancelled")],
        "billing_after_cancel": [c for c in copies if _says(c, "Active")],
        "recovery_not_copied": [c for c in copies if _says(c, "Active")],
        "trouble_not_copied": [c for c in copies if _says(c, "Past Due", "Paused")],
    }
    for variant, copied in ground.choose(count, pools, _key):
        # a notice that came later would have carried the cancellation out
        noticed = copied.subscription["canceled_at"] or 0
        changed = max(ground.days_ago(4, 25), copied.subscription["created"] + DAY, noticed)
        fields = {
            "Status__c": _WRONG[variant],
            "Status_Changed_At__c": stamp(min(changed, ground.now - SETTLED_DAYS * DAY)),
        }
        at = ground.tick()
        ground.change("salesforce", "Subscription__c", copied.crm_id, at, **fields)
        ground.freeze(copied.who, f"subscription:{_key(copied)}")
        ground.planted(
            ("stripe", _key(copied)),
            ("salesforce", copied.crm_id),
            attribute="status",
            variant=variant,
        )


_WRONG = {
    "cancellation_not_copied": "Active",
    "billing_after_cancel": "Cancelled",
    "recovery_not_copied": "Past Due",
    "trouble_not_copied": "Active",
}


def _says(copied: Copied, *labels: str) -> bool:
    return crm_status(copied.subscription) in labels


def _copies(ground: Ground) -> list[Copied]:
    """Subscriptions on which nothing happened for days and that the CRM shows rightly."""
    found = []
    for course in ground.facts.subscriptions.values():
        who = ground.company(course.company)
        is_free = ground.is_free(f"subscription:{course.id}") and ground.is_free_company(who)
        if course.crm_id is None or course.id in ground.busy or not is_free:
            continue
        subscription = ground.store.get("stripe", "subscription", course.id)
        copy = ground.store.get("salesforce", "Subscription__c", course.crm_id)
        assert subscription is not None
        assert copy is not None
        is_old = subscription["created"] < ground.now - 2 * SETTLED_DAYS * DAY
        if is_old and copy["Status__c"] == crm_status(subscription):
            found.append(Copied(who, subscription, course.crm_id))
    return found
