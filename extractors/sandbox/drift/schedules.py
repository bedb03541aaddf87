"""INV-SCHD: what billing should have issued by now, and numbers that it skipped."""

from collections.abc import Iterable
from itertools import pairwise

from extractors.sandbox.drift.documents import Posted, delete_invoice, posted_invoices
from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground
from extractors.sandbox.tables import Record
from extractors.sandbox.world.metered import is_metered
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import META, subscription_of

_TRANSITIONS = ("finalized_at", "paid_at", "voided_at", "marked_uncollectible_at")
Case = tuple[Record, Posted | None]
"""A billing invoice, with its ERP copy where that has to go along."""


def plant_not_issued(ground: Ground, count: int) -> None:
    """INV-SCHD-01: a draft that was left, a period without invoice, a number that is no document's.

    A period's invoice that is gone leaves a number out as well.
    """
    posted = posted_invoices(ground)
    followers = _followers(ground)
    gone = _apart(ground, [*_unbilled(ground, posted), *_worthless(ground)], followers)
    skipped = {subscription_of(invoice) for invoice, _ in gone}
    pools: dict[str, list[Case]] = {
        "draft_left": [(p.invoice, p) for p in posted if _may_draft(ground, p.invoice, skipped)],
        "never_invoiced": [case for case in gone if case[1] is not None],
        "number_gap": [case for case in gone if case[1] is None],
    }
    for variant, (invoice, copy) in ground.choose(count, pools, lambda case: str(case[0]["id"])):
        if variant == "draft_left":
            _leave_draft(ground, invoice, variant)
        else:
            _remove(ground, invoice, copy, followers[invoice["id"]], variant)


def _followers(ground: Ground) -> dict[str, Record]:
    """Invoice -> the one with the next number."""
    numbered = [i for i in ground.store.rows("stripe", "invoice") if i["number"]]
    ordered = sorted(numbered, key=lambda invoice: str(invoice["number"]))
    return {invoice["id"]: after for invoice, after in pairwise(ordered)}


def _apart(ground: Ground, cases: Iterable[Case], followers: dict[str, Record]) -> list[Case]:
    """Cases of which no two have neighbouring numbers, with settled ones on both sides."""
    preceding = {after["id"] for after in followers.values()}
    limit = ground.now - SETTLED_DAYS * DAY
    taken: set[str] = set()
    found = []
    for invoice, copy in cases:
        after = followers.get(invoice["id"])
        if after is None or after["status_transitions"]["finalized_at"] >= limit:
            continue
        near = {f"number:{each['id']}" for each in (invoice, after)}
        if invoice["id"] in preceding and taken.isdisjoint(near) and ground.is_free(*near):
            found.append((invoice, copy))
            taken |= near
    return found


def _may_draft(ground: Ground, invoice: Record, skipped: set[str]) -> bool:
    """Whether another draft of the subscription hides nothing that another plant shows."""
    key = subscription_of(invoice)
    record = ground.store.get("stripe", "subscription", key)
    is_fixed = record is not None and not _has_usage(record)
    return is_fixed and key not in skipped and ground.is_free(f"subscription:{key}")


def _has_usage(subscription: Record) -> bool:
    return any(is_metered(item) for item in subscription["items"]["data"])


def _unbilled(ground: Ground, posted: Iterable[Posted]) -> Iterable[Case]:
    """Unpaid invoices of the periods that run, of fixed amounts, that are not the first."""
    for each in posted:
        subscription = ground.store.get("stripe", "subscription", subscription_of(each.invoice))
        if subscription is None or not ground.is_free(f"drafted:{subscription['id']}"):
            continue
        if each.is_open and _is_current(each.invoice, subscription):
            yield each.invoice, each


def _is_current(invoice: Record, subscription: Record) -> bool:
    starts = {item["current_period_start"] for item in subscription["items"]["data"]}
    is_running = subscription["status"] in {"active", "past_due"}
    return (
        is_running
        and not subscription["pause_collection"]
        and not _has_usage(subscription)
        and len(starts) == 1
        and max(starts) > subscription["start_date"]
        and invoice["created"] >= max(starts)
        and invoice["id"] == subscription["latest_invoice"]
    )


def _worthless(ground: Ground) -> Iterable[Case]:
    """Invoices of nothing, such as of a trial: nobody else has them."""
    limit = ground.now - SETTLED_DAYS * DAY
    for invoice in ground.store.rows("stripe", "invoice", status="paid"):
        who = ground.company_by_customer[invoice["customer"]]
        is_nothing = not invoice["total"] and not invoice["subtotal"]
        is_old = invoice["status_transitions"]["finalized_at"] < limit
        if (
            is_nothing
            and is_old
            and ground.is_free_company(who)
            and invoice["id"] not in ground.busy
        ):
            yield invoice, None


def _leave_draft(ground: Ground, like: Record, variant: str) -> None:
    """A draft as of days ago that finalizes itself, and did not."""
    at = ground.days_ago(SETTLED_DAYS, SETTLED_DAYS + 9)
    store = ground.store
    key = store.new_id("stripe", "invoice")
    lines = [line | {"id": store.new_id("stripe", "line_item")} for line in like["lines"]["data"]]
    store.put(
        "stripe",
        "invoice",
        like
        | {
            "id": key,
            "number": None,
            "status": "draft",
            "auto_advance": True,
            "billing_reason": "subscription_update",
            "created": at,
            "due_date": None,
            "lines": like["lines"] | {"data": lines},
            "status_transitions": dict.fromkeys(_TRANSITIONS),
        },
    )
    who = ground.company_by_customer[like["customer"]]
    ground.freeze(who, f"invoice:{key}")
    ground.claim(who, f"drafted:{subscription_of(like)}")
    ground.planted(("stripe", key), variant=variant)


def _remove(
    ground: Ground, invoice: Record, copy: Posted | None, after: Record, variant: str
) -> None:
    who = ground.company_by_customer[invoice["customer"]]
    subscription = subscription_of(invoice)
    if copy is not None:
        delete_invoice(ground, copy.internal)
        ground.planted(("stripe", subscription), variant=variant)
        ground.follows(ground.code, ("stripe", after["id"]), variant=variant, caused_by=after["id"])
    else:
        ground.planted(("stripe", after["id"]), variant=variant)
    _forget(ground, str(invoice["id"]))
    ground.store.delete("stripe", "invoice", invoice["id"])
    ground.freeze(who, f"invoice:{invoice['id']}", f"subscription:{subscription}")
    ground.claim(None, f"number:{after['id']}")


def _forget(ground: Ground, invoice: str) -> None:
    """Nothing that the simulation has in mind for an invoice happens any more."""
    saved = ground.store.meta(META)
    agenda = [entry for entry in saved["agenda"] if entry[3].get("invoice") != invoice]
    ground.store.set_meta(META, saved | {"agenda": agenda})
