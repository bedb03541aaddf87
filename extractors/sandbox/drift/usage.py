"""USG-QTY: what the meter counts of a billed period is not what its invoice billed."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
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
    line_id: str
    events: tuple[Record, ...]

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
            yield Period(who, invoice, min(str(line["id"]) for line in lines), within)
            return


def _span(line: Record) -> tuple[int, int]:
    return line["period"]["start"], line["period"]["end"]


def _is_metered(ground: Ground, line: Record) -> bool:
    price: Any = ground.store.get("stripe", "price", line["pricing"]["price_details"]["price"])
    return bool(price) and (price["recurring"] or {}).get("usage_type") == "metered"


def _counts(event: Record) -> bool:
    return bool(event["payload"]["value"] != "0")
