"""Contract lines and the items that bill them, over time: who of the two was changed last."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import Books, Clusters, group, instant
from tests.unit.sandbox.disagreements.common import (
    HOURS_BILLING,
    ZONES,
    Row,
    is_in_force,
    is_other_basis,
    item_mrr,
    unit_mrr,
    whole,
)

QUIET = timedelta(days=5)
DAY = timedelta(days=1)


def changes(books: Books, clusters: Clusters):
    lines = group(books.contract_lines, "Contract__c")
    charged = _charged(books)
    for subscription_id, subscription in books.subscriptions.items():
        contract_id = subscription["metadata"].get("crm_contract_id")
        if contract_id is None or subscription["status"] == "canceled":
            continue
        items = defaultdict(list)
        for item in subscription["items"]["data"]:
            items[books.products[item["price"]["product"]]["metadata"]["sku"]].append(item)
        for line in lines[contract_id]:
            sku = books.crm_products[line["Product__c"]]["ProductCode"]
            if sku in items and not line["Pricing_Model__c"] and is_in_force(books, line):
                for code, name, is_crms in _found(books, line, items[sku], charged):
                    sides = (contract_id, subscription_id)
                    yield Row(code, f"{name}:{sku}", *(sides if is_crms else sides[::-1]))


def _found(books: Books, line, items, charged):
    signed, billed = _value(line), _billed(items)
    yield from _ending(line, items)
    if _near(signed, billed):
        return
    if is_other_basis(Decimal(signed[1]) / signed[0], Decimal(billed[1]) / billed[0], signed[0]):
        return
    right = _charged_as_agreed(line, items, charged, signed)
    save = next((s for s in _saves(books, line) if _near(s[2], billed)), None)
    if save is not None and (right is None or right < instant(save[0])):
        saved_at, is_signed, _ = save
        if books.age(saved_at) > HOURS_BILLING:
            yield "CON-AMD-01", "mrr", is_signed
    elif _is_of_discount(line, items):
        yield "CON-DISC-01", "discount_percent", True
    elif right is not None and _is_quiet(books, line, right):
        yield "CON-AMD-02", "mrr", True


def _value(line):
    """Units and monthly value of a line."""
    months = 12 if line["Price_Period__c"] == "Year" else 1
    price = Decimal(line["Unit_Price__c"]).scaleb(0 if line["CurrencyIsoCode"] == "JPY" else 2)
    units = int(Decimal(line["Quantity__c"]))
    return units, whole(unit_mrr(price, months, [line["Discount_Percent__c"]]) * units)


def _billed(items):
    return (
        sum(item["quantity"] for item in items),
        whole(sum(item_mrr(item) * item["quantity"] for item in items)),
    )


def _near(one, other) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= 1


def _saves(books: Books, line):
    """(when, whether it was signed, units and value before) of each save, the last one first."""
    saves = group(books.line_saves[line["Id"]], "CreatedDate")
    moves = {
        save["CreatedDate"]
        for save in books.contract_saves[line["Contract__c"]]
        if save["Field"] == "EndDate"
    }
    state = dict(line)
    for saved_at in sorted(saves, reverse=True):
        told = {save["Field"]: save["OldValue"] for save in saves[saved_at]}
        state |= told
        is_signed = "Effective_At__c" in told or saved_at in moves
        if told.keys() - {"Effective_At__c"}:
            yield saved_at, is_signed, _value(state)


def _percents(items) -> set[Decimal]:
    return {
        sum((Decimal(d["source"]["coupon"]["percent_off"]) for d in item["discounts"]), Decimal(0))
        for item in items
    }


def _is_of_discount(line, items) -> bool:
    agreed = Decimal(line["Discount_Percent__c"])
    (off,) = _percents(items)
    signed, billed = _value(line), _billed(items)
    cross = billed[1] * (100 - agreed) - signed[1] * (100 - off)
    return signed[0] == billed[0] and off != agreed and abs(cross) <= 100


def _ending(line, items):
    zone = ZoneInfo(ZONES[{"JPY": "JP"}.get(line["CurrencyIsoCode"], "US")])
    ends = [d["end"] for item in items for d in item["discounts"] if d["end"]]
    if Decimal(line["Discount_Percent__c"]) and ends:
        last = instant(min(ends)).astimezone(zone).date()
        if last <= date.fromisoformat(line["End_Date__c"]):
            yield "CON-DISC-01", "discount_end_date", True


def _charged(books: Books):
    """Subscription item -> (when, invoice, units, net monthly amount) of every invoice."""
    lines = defaultdict(list)
    for invoice in books.invoices.values():
        if invoice["status"] == "void":
            continue
        for line in invoice["lines"]["data"]:
            details = line["parent"].get("subscription_item_details")
            if details:
                off = sum(entry["amount"] for entry in line["discount_amounts"])
                net = Decimal(line["amount"] - off)
                row = (invoice["created"], invoice["id"], line["quantity"], net)
                lines[details["subscription_item"]].append(row)
    return lines


def _charged_as_agreed(line, items, charged, signed):
    """When all items were last invoiced as agreed."""
    sums = defaultdict(lambda: [0, Decimal(0), 0])
    for item in items:
        months = 12 if item["price"]["recurring"]["interval"] == "year" else 1
        for at, invoice, units, net in charged[item["id"]]:
            of = sums[at, invoice]
            of[0], of[1], of[2] = of[0] + units, of[1] + net / months, of[2] + 1
    since = max(instant(line["Effective_At__c"]), instant(line["Start_Date__c"]) - DAY)
    right = [
        instant(at)
        for (at, _), (units, value, count) in sums.items()
        if instant(at) >= since and count == len(items) and _near((units, whole(value)), signed)
    ]
    return max(right, default=None)


def _is_quiet(books: Books, line, right) -> bool:
    """Whether the line was not saved since it was invoiced as agreed, nor in the days before."""
    saved = [instant(save["CreatedDate"]) for save in books.line_saves[line["Id"]]]
    return all(at < right - QUIET for at in saved)
