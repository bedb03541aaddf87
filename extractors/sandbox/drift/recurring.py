"""MRR-ROLL: periods of running subscriptions that no invoice charges as such."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from extractors.sandbox.drift.ground import Ground
from extractors.sandbox.tables import Record
from extractors.sandbox.world.metered import is_metered
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import Company, Subscribed, subscription_of

_MONTH_ENDS = (1, 2, 27, 28, 29, 30, 31)
"""Days on which it depends on the time zone to which month a period belongs."""


@dataclass(frozen=True)
class Run:
    """Invoices of one monthly subscription, that follow each other and charge for it."""

    who: Company
    subscription: str
    invoices: tuple[Record, ...]


def plant_not_charged(ground: Ground, count: int) -> None:
    """MRR-ROLL-01: a month or two are charged as parts of a period, and count as churn."""
    pools = {
        "one_month": list(_runs(ground, 1)),
        "two_months": list(_runs(ground, 2)),
        "first_renewal": list(_runs(ground, 1, is_early=True)),
    }
    for variant, run in ground.choose(count, pools, lambda run: run.subscription):
        for invoice in run.invoices:
            _prorate(ground, invoice)
            ground.freeze(run.who, f"invoice:{invoice['id']}")
        ground.claim(run.who, f"subscription:{run.subscription}")
        period = _month_end(run.invoices[0]).strftime("%Y-%m")
        ground.planted(
            ("stripe", run.subscription), attribute=f"movement:{period}", variant=variant
        )


def _runs(ground: Ground, length: int, *, is_early: bool = False) -> Iterator[Run]:
    """Of each subscription the invoices in the middle, or those after the first."""
    by_subscription: dict[str, list[Record]] = defaultdict(list)
    for invoice in ground.store.rows("stripe", "invoice"):
        if (invoice.get("parent") or {}).get("subscription_details"):
            by_subscription[subscription_of(invoice)].append(invoice)
    for key, invoices in sorted(by_subscription.items()):
        course = ground.facts.subscriptions.get(key)
        if course is None or not _may_plant(ground, course, invoices):
            continue
        invoices.sort(key=lambda invoice: invoice["created"])
        first = 1 if is_early else len(invoices) // 2
        chosen = tuple(invoices[first : first + length])
        if len(invoices) >= first + length + 2:
            yield Run(ground.company(course.company), key, chosen)


def _may_plant(ground: Ground, course: Subscribed, invoices: list[Record]) -> bool:
    """Whether each period has an invoice that charges for it, and nothing else touches them."""
    starts = {line["period"]["start"] for i in invoices for line in i["lines"]["data"]}
    return (
        course.interval == 1
        and course.anchor_day not in _MONTH_ENDS
        and len(starts) == len(invoices)
        and _is_plain(ground, course.id)
        and ground.is_free(f"subscription:{course.id}")
        and ground.is_free_company(ground.company(course.company))
        and all(_is_charged(ground, invoice) for invoice in invoices)
    )


def _is_plain(ground: Ground, key: str) -> bool:
    record = ground.store.get("stripe", "subscription", key)
    return (
        record is not None
        and record["status"] == "active"
        and not record["pause_collection"]
        and not any(is_metered(item) for item in record["items"]["data"])
    )


def _is_charged(ground: Ground, invoice: Record) -> bool:
    lines = invoice["lines"]["data"]
    return (
        invoice["status"] in {"paid", "open"}
        and invoice["id"] not in ground.busy
        and ground.is_free(f"invoice:{invoice['id']}")
        and all(line["amount"] > 0 and line["pricing"]["unit_amount_decimal"] for line in lines)
    )


def _month_end(invoice: Record) -> datetime:
    """The last day of a month that lies within the period of an invoice."""
    starts = max(line["period"]["start"] for line in invoice["lines"]["data"])
    day = datetime.fromtimestamp(starts, UTC)
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(seconds=DAY)


def _prorate(ground: Ground, invoice: Record) -> None:
    lines = []
    for line in invoice["lines"]["data"]:
        details = line["parent"]["subscription_item_details"] | {"proration": True}
        lines.append(line | {"parent": line["parent"] | {"subscription_item_details": details}})
    ground.store.put("stripe", "invoice", invoice | {"lines": invoice["lines"] | {"data": lines}})
