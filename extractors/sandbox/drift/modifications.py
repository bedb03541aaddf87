"""REV-MOD: more units within a period that was billed ahead, which the ERP's plans do not follow.

A plant brings the whole change, right in the CRM, in billing and in the ERP's invoice; some stay
right in the plans too, as near misses. No world changes a period by itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.drift.amendments import edit_line
from extractors.sandbox.drift.documents import lines_of
from extractors.sandbox.drift.ground import Ground, Place, minor_of, text_of
from extractors.sandbox.drift.sold_lines import Sold, is_worth, sold_lines, subscription_of
from extractors.sandbox.reference import TIERED_BY_SKU
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import stamp
from extractors.sandbox.world.modifications import modify
from extractors.sandbox.world.moments import DAY, HOUR, add_months, moment, opening
from extractors.sandbox.world.records import Records
from extractors.sandbox.world.state import World, load_world

_EFFECTIVE_DAYS = (10, 20)
"""Before now: past the five business days that the plans have."""
_QUIET_DAYS = 25
_LEFT_DAYS = 75
_BILLED_AGO = 3 * DAY
_FIRST_HOURS = 9 * HOUR
_RIGHT_EVERY = 4


@dataclass(frozen=True)
class Part:
    """A line of the change as posted, below zero for what it takes back, with its plan."""

    line_id: str
    minor: int
    plan: Record
    months: list[Record]


def plant_not_prospective(ground: Ground, count: int) -> None:
    """REV-MOD-01: the credit has no plan, nothing has one, or all is earned in the first month."""
    fit = [each for each in sold_lines(ground) if _may_change(ground, each)]
    variants = ("credit_not_planned", "nothing_planned", "all_at_once")
    chosen = ground.choose(count, dict.fromkeys(variants, fit), subscription_of)
    taken = {each.subscription_id for _, each in chosen}
    for variant, each, invoice in _changed(ground, [*chosen, *_near_misses(fit, taken)]):
        ground.freeze(each.who, f"subscription:{each.subscription_id}", f"invoice:{invoice}")
        if variant != "right":
            _break(ground, invoice, variant)


def _near_misses(fit: list[Sold], taken: set[str]) -> Iterator[tuple[str, Sold]]:
    """Changes that the plans follow too: one for every few that they do not."""
    left = {each.subscription_id: each for each in fit if each.subscription_id not in taken}
    for key in sorted(left)[: -(-len(taken) // _RIGHT_EVERY)]:
        yield "right", left[key]


def _may_change(ground: Ground, sold: Sold) -> bool:
    """Whether a line is billed by the year and by invoice, and nothing happened to it of late."""
    if len(sold.items) != 1 or sold.sku in TIERED_BY_SKU or not is_worth(sold):
        return False
    item, customer = _item(sold), ground.store.get("stripe", "customer", _customer(sold))
    quiet = ground.now - _QUIET_DAYS * DAY
    begun = max(sold.line["Effective_At__c"], sold.line["LastModifiedDate"])
    return (
        item["price"]["recurring"]["interval"] == "year"
        and item["current_period_start"] < quiet
        and item["current_period_end"] > ground.now + _LEFT_DAYS * DAY
        and begun < stamp(quiet)
        and Decimal(sold.line["Quantity__c"]) == item["quantity"]
        and sold.subscription["collection_method"] == "send_invoice"
        and sold.subscription["status"] == "active"
        and not (customer or {}).get("balance")
        and sold.who.erp_id is not None
    )


def _item(sold: Sold) -> Record:
    items: list[Record] = sold.subscription["items"]["data"]
    return next(item for item in items if item["id"] in sold.items)


def _customer(sold: Sold) -> str:
    return str(sold.subscription["customer"])


def _changed(ground: Ground, chosen: list[tuple[str, Sold]]) -> list[tuple[str, Sold, str]]:
    """Let each change happen in all systems, with the invoice that bills it."""
    signed = [(variant, each, *_sign(ground, each)) for variant, each in chosen]
    records = Records(ground.store, floor=ground.tick(), empty=False, until=0)
    world = load_world(ground.store, records)
    at = _billed_at(ground, world)
    made = [
        (variant, each, _bill(world, each, units, since=since, at=at))
        for variant, each, units, since in signed
    ]
    world.save(ground.store)
    return made


def _sign(ground: Ground, sold: Sold) -> tuple[int, int]:
    """(units, instant): more of them are signed, from then on."""
    since = ground.days_ago(*_EFFECTIVE_DAYS)
    units = int(_item(sold)["quantity"])
    more = units + max(units // 5, 1)
    fields = {"Quantity__c": str(more), "Effective_At__c": stamp(since)}
    edit_line(ground, sold, since, fields)
    return more, since


def _billed_at(ground: Ground, world: World) -> int:
    """Days ago, but in the month whose revenue is still to be run, so that the run takes it up."""
    agenda = world.facts.agenda
    month = next(args["month"] for _, _, kind, args in agenda if kind == "close_month")
    first = opening(date.fromisoformat(month)) + _FIRST_HOURS
    return max(ground.now - _BILLED_AGO, first)


def _bill(world: World, sold: Sold, units: int, *, since: int, at: int) -> str:
    course = world.facts.subscriptions[sold.subscription_id]
    return modify(world, course, _item(sold)["id"], units, since=since, at=at)


def _break(ground: Ground, invoice: str, variant: str) -> None:
    """Plan a change otherwise than it was billed, and tell what follows of it."""
    document = _document(ground, invoice)
    owner: tuple[Place, str] = ("stripe", invoice)
    replica: tuple[Place, str] = ("netsuite", str(document["id"]))
    ground.planted(owner, replica, attribute="plan", variant=variant)
    for part in _parts(ground, document):
        if variant == "all_at_once":
            _earn_at_once(ground, part, invoice)
        elif variant == "nothing_planned" or part.minor < 0:
            ground.store.delete("netsuite", "revenueplan", part.plan["id"])
            line: tuple[Place, str] = ("stripe", part.line_id)
            ground.follows("REV-SCH-01", line, variant=variant, caused_by=invoice)


def _earn_at_once(ground: Ground, part: Part, invoice: str) -> None:
    """The months of a line are all put into the first one, as a cumulative catch-up would."""
    at, currency = ground.tick(), part.plan["currency"]
    first, *rest = part.months
    whole = text_of(part.minor, currency)
    ground.add("netsuite", "revenueplanline", first | {"amount": whole}, at)
    for month in rest:
        ground.store.delete("netsuite", "revenueplanline", month["id"])
    ground.change("netsuite", "revenueplan", part.plan["id"], at)
    for month in part.months:
        if _is_run(ground, month["periodname"]) and minor_of(month["amount"], currency):
            ground.follows(
                "REV-PER-01",
                ("stripe", part.line_id),
                ("netsuite", part.plan["id"]),
                attribute=f"recognised:{month['periodname']}",
                variant="all_at_once",
                caused_by=invoice,
            )


def _is_run(ground: Ground, month: str) -> bool:
    """Whether the revenue of a month (YYYY-MM) was due for a day."""
    run = add_months(date.fromisoformat(f"{month}-01"), 1)
    return run + timedelta(days=1) <= moment(ground.now).date()


def _document(ground: Ground, invoice: str) -> Record:
    """The ERP's copy of the invoice that bills a change."""
    posted = ground.store.rows("netsuite", "transaction", custbody_stripe_invoice_id=invoice)
    return posted[0]


def _parts(ground: Ground, document: Record) -> Iterator[Part]:
    by_number = {line["id"]: line for line in lines_of(ground, document["id"])}
    for plan in ground.store.rows("netsuite", "revenueplan", sourcetransaction=document["id"]):
        line_id = str(by_number[plan["sourceline"]]["custcol_stripe_line_id"])
        months = ground.store.rows("netsuite", "revenueplanline", revenueplan=plan["id"])
        in_order = sorted(months, key=lambda month: str(month["periodname"]))
        yield Part(line_id, minor_of(plan["amount"], plan["currency"]), plan, in_order)
