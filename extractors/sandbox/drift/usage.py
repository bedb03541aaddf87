"""USG: billed periods with other units than their meter, or charged at another price."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from extractors.sandbox.drift.ground import SETTLED_DAYS, Ground
from extractors.sandbox.tables import Record
from extractors.sandbox.world.metered import EVENT
from extractors.sandbox.world.moments import DAY
from extractors.sandbox.world.state import Company


@dataclass(frozen=True)
class Period:
    """A billed period of a metered item: its first line, and the meter's events in it."""

    who: Company
    invoice: Record
    line_ids: tuple[str, ...]
    events: tuple[Record, ...]

    @property
    def line_id(self) -> str:
        return min(self.line_ids)

    @property
    def is_of_one_month(self) -> bool:
        """Whether all was used in one month: then no month gains what another one loses."""
        months = {
            datetime.fromtimestamp(e["timestamp"], UTC).strftime("%Y-%m") for e in self.events
        }
        return len(months) == 1


def plant_other_quantity(ground: Ground, count: int) -> None:
    """USG-QTY-01: events told twice or after the invoice, and events that were taken back."""
    periods = list(_periods(ground))
    single = [period for period in periods if period.is_of_one_month and len(period.events) > 1]
    pools = {"told_twice": periods, "told_after": single, "taken_back": single}
    for variant, period in ground.choose(count, pools, lambda period: period.line_id):
        events = period.events if variant == "told_twice" else period.events[:1]
        for event in events:
            _tell(ground, event, is_gone=variant == "taken_back")
        ground.freeze(period.who, f"invoice:{period.invoice['id']}", _claim(period.invoice))
        ground.planted(("stripe", period.line_id), attribute="quantity", variant=variant)


def plant_other_price(ground: Ground, count: int) -> None:
    """USG-RATE-01: the lines name a price that is dearer, or cheaper, than what they charge."""
    periods = list(_periods(ground))
    pools = {"charged_too_little": periods, "charged_too_much": periods}
    for variant, period in ground.choose(count, pools, lambda period: period.line_id):
        factor = Decimal("1.5") if variant == "charged_too_little" else Decimal("0.5")
        ground.freeze(period.who, f"invoice:{period.invoice['id']}", _claim(period.invoice))
        _price_otherwise(ground, period, factor)
        ground.planted(("stripe", period.line_id), attribute="amount", variant=variant)


def _price_otherwise(ground: Ground, period: Period, factor: Decimal) -> None:
    """Put a price that is this many times the right one on all lines of the period."""
    at = ground.tick()
    listed = period.invoice["lines"]
    of_period = [line for line in listed["data"] if line["id"] in period.line_ids]
    details = of_period[0]["pricing"]["price_details"]
    right = ground.store.get("stripe", "price", details["price"])
    assert right is not None
    other = ground.store.new_id("stripe", "price")
    ground.add("stripe", "price", _scaled(right, factor) | {"id": other, "active": False}, at)
    lines = [
        line | {"pricing": line["pricing"] | {"price_details": details | {"price": other}}}
        if line in of_period
        else line
        for line in listed["data"]
    ]
    ground.change("stripe", "invoice", period.invoice["id"], at, lines=listed | {"data": lines})


def _scaled(price: Record, factor: Decimal) -> Record:
    """A copy of a price at a multiple of each of its units."""

    def unit(of: Record) -> Record:
        exact = of.get("unit_amount_decimal") or of.get("unit_amount")
        if exact is None:
            return of
        scaled = Decimal(str(exact)) * factor
        whole = int(scaled) if scaled == scaled.to_integral_value() else None
        return of | {"unit_amount": whole, "unit_amount_decimal": format(scaled, "f")}

    tiers = price.get("tiers")
    return unit(price) | ({"tiers": [unit(each) for each in tiers]} if tiers else {})


def _tell(ground: Ground, event: Record, *, is_gone: bool) -> None:
    at = ground.tick()
    if is_gone:
        ground.add("stripe", EVENT, event | {"payload": event["payload"] | {"value": "0"}}, at)
        return
    key = ground.store.new_id("stripe", EVENT)
    ground.add("stripe", EVENT, event | {"id": key, "identifier": f"use-{key}"}, at)


def _claim(invoice: Record) -> str:
    return f"usage:{invoice['customer']}"


def _periods(ground: Ground) -> Iterator[Period]:
    """Of each customer one period that is billed and settled."""
    by_customer: dict[str, list[Record]] = defaultdict(list)
    for event in ground.store.rows("stripe", EVENT):
        by_customer[event["customer"]].append(event)
    limit = ground.now - (SETTLED_DAYS + 1) * DAY
    for invoice in ground.store.rows("stripe", "invoice"):
        who = ground.company_by_customer.get(invoice["customer"])
        issued = invoice["status_transitions"]["finalized_at"]
        if (
            who is not None
            and invoice["customer"] in by_customer
            and invoice["status"] in {"open", "paid"}
            and issued is not None
            and issued < limit
            and invoice["id"] not in ground.busy
            and ground.is_free(f"invoice:{invoice['id']}", _claim(invoice))
            and ground.is_free_company(who)
        ):
            yield from _of_invoice(ground, who, invoice, by_customer[invoice["customer"]])


def _of_invoice(
    ground: Ground, who: Company, invoice: Record, events: list[Record]
) -> Iterator[Period]:
    metered = [line for line in invoice["lines"]["data"] if _is_metered(ground, line)]
    for (start, end), lines in groupby(sorted(metered, key=_span), key=_span):
        within = tuple(e for e in events if start <= e["timestamp"] < end and _counts(e))
        if within:
            yield Period(who, invoice, tuple(str(line["id"]) for line in lines), within)
            return


def _span(line: Record) -> tuple[int, int]:
    return line["period"]["start"], line["period"]["end"]


def _is_metered(ground: Ground, line: Record) -> bool:
    price: Any = ground.store.get("stripe", "price", line["pricing"]["price_details"]["price"])
    return bool(price) and (price["recurring"] or {}).get("usage_type") == "metered"


def _counts(event: Record) -> bool:
    return bool(event["payload"]["value"] != "0")
