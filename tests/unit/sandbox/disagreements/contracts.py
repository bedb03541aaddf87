"""Contracts, their lines and the subscriptions that bill them."""

import json
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import Books, Clusters, group, instant
from tests.unit.sandbox.disagreements.common import (
    HOURS_BILLING,
    HOURS_SYNC,
    ZONES,
    Row,
    billing_state,
    bills,
    is_in_force,
    is_other_basis,
    item_mrr,
    unit_mrr,
    whole,
)


def contracts(books: Books, clusters: Clusters):
    linked = {s["metadata"].get("crm_contract_id") for s in books.subscriptions.values()}
    worth = defaultdict(Decimal)
    for line in books.contract_lines:
        worth[line["Contract__c"]] += Decimal(line["Quantity__c"]) * Decimal(line["Unit_Price__c"])
    for contract_id, contract in books.contracts.items():
        won = books.opportunities[contract["Opportunity__c"]]
        if (contract["Renews_Contract__c"] or "-") in linked:
            continue
        if contract_id in linked or contract["Status"] != "Activated" or not won["IsWon"]:
            continue
        starts = instant(contract["StartDate"]) - timedelta(days=7)
        age = min(books.age(contract["ActivatedDate"], won["CloseDate"]), books.now - starts)
        if worth[contract_id] and age > HOURS_BILLING:
            yield Row("CON-MISS-01", "", contract_id, None)


def contract_lines(books: Books, clusters: Clusters):
    lines = group(books.contract_lines, "Contract__c")
    for subscription_id, subscription in books.subscriptions.items():
        contract_id = subscription["metadata"].get("crm_contract_id")
        if contract_id is None or subscription["status"] == "canceled":
            continue
        items = defaultdict(list)
        for item in subscription["items"]["data"]:
            product = books.products[item["price"]["product"]]
            items[product["metadata"]["sku"]].append(item)
        for line in lines[contract_id]:
            sku = books.crm_products[line["Product__c"]]["ProductCode"]
            # of a contract with several subscriptions one may bill it, another not
            if sku not in items or not is_in_force(books, line):
                continue
            quantity = int(Decimal(line["Quantity__c"]))
            digits = 0 if line["CurrencyIsoCode"] == "JPY" else 2
            months = 12 if line["Price_Period__c"] == "Year" else 1
            price = Decimal(line["Unit_Price__c"]).scaleb(digits)
            if line["Pricing_Model__c"]:
                yield from _tiered(books, line, quantity, items[sku], subscription_id)
                continue
            signed = unit_mrr(price, months, [line["Discount_Percent__c"]])
            billed_quantity = sum(item["quantity"] for item in items[sku])
            if billed_quantity != quantity:
                yield Row("SUB-QTY-01", f"quantity:{sku}", contract_id, subscription_id)
            billed = sum(item_mrr(item) * item["quantity"] for item in items[sku])
            difference = whole(signed * quantity) - whole(billed / billed_quantity * quantity)
            if is_other_basis(signed, billed / billed_quantity, quantity):
                yield Row("PRD-BAS-01", f"unit_mrr:{sku}", contract_id, subscription_id)
            if abs(difference) > max(len(items[sku]), 1):
                name = f"mrr_at_contract_quantity:{sku}"
                yield Row("CON-AMT-01", name, contract_id, subscription_id)


def papers(books: Books, clusters: Clusters):
    """Live paid subscriptions that were not bought on the web, and the signed contract of each."""
    for subscription_id, subscription in books.subscriptions.items():
        contract = books.contracts.get(subscription["metadata"].get("crm_contract_id"))
        is_signed = (
            contract is not None
            and contract["Status"] != "Draft"
            and books.opportunities[contract["Opportunity__c"]]["IsWon"]
        )
        is_sold = subscription["metadata"]["channel"] != "self_serve"
        is_old = books.age(subscription["created"]) > HOURS_SYNC
        if is_sold and bills(subscription) and is_old and not is_signed:
            yield Row("CON-MISS-02", "", subscription_id, None)


def billed_twice(books: Books, clusters: Clusters):
    units = {line["Id"]: int(Decimal(line["Quantity__c"])) for line in books.contract_lines}
    billing = defaultdict(list)
    for subscription in books.subscriptions.values():
        if bills(subscription) and not subscription["cancel_at_period_end"]:
            for item in subscription["items"]["data"]:
                billing[item["metadata"].get("crm_contract_line_id")].append(item)
    for line_id in billing.keys() & units.keys():
        first, *others = sorted(billing[line_id], key=lambda i: (i["created"], i["id"]))
        seen = [first["quantity"]]
        for item in others:
            repeats = item["quantity"] in {*seen, units[line_id]}
            if repeats and sum(seen) >= units[line_id]:
                yield Row("SUB-DUP-01", "", first["id"], item["id"])
            seen.append(item["quantity"])


def terms(books: Books, clusters: Clusters):
    """What contracts and the subscriptions that run for them both say."""
    begun = {}
    for subscription in sorted(books.subscriptions.values(), key=lambda s: s["start_date"]):
        begun.setdefault(subscription["metadata"].get("crm_contract_id"), subscription)
    for subscription_id, subscription in books.subscriptions.items():
        contract = books.contracts.get(subscription["metadata"].get("crm_contract_id"))
        if (
            contract is None
            or contract["Status"] != "Activated"
            or not _is_first(books, subscription)
        ):
            continue
        is_won = books.opportunities[contract["Opportunity__c"]]["IsWon"]
        age = books.age(contract["ActivatedDate"])
        if subscription["status"] == "canceled" or not is_won or age <= HOURS_BILLING:
            continue
        plan = books.schedules.get(subscription.get("schedule") or "")
        today = books.now.astimezone(ZoneInfo(ZONES[contract["Legal_Entity__c"]])).date()
        is_over = contract["EndDate"] < today.isoformat()
        for name in _differing_terms(contract, subscription, begun[contract["Id"]], plan):
            if is_over and name == "is_auto_renewed":
                continue
            yield Row("CON-TERM-01", name, contract["Id"], subscription_id)


def _is_first(books: Books, subscription) -> bool:
    """Of several live subscriptions of one contract the first executes it."""
    contract_id = subscription["metadata"]["crm_contract_id"]
    same = [
        s
        for s in books.subscriptions.values()
        if s["metadata"].get("crm_contract_id") == contract_id
    ]
    return subscription == min(same, key=lambda s: (s["status"] == "canceled", s["start_date"]))


def _differing_terms(contract, subscription, first, plan):
    metadata = subscription["metadata"]
    if contract["CurrencyIsoCode"].lower() != subscription["currency"]:
        yield "currency"
    if contract["Legal_Entity__c"] != metadata["legal_entity"]:
        yield "legal_entity"
    spans = {item["price"]["recurring"]["interval"] for item in subscription["items"]["data"]}
    if spans != {{"Annual": "year", "Monthly": "month"}[contract["Billing_Frequency__c"]]}:
        yield "billing_frequency"
    zone = ZoneInfo(ZONES[metadata["legal_entity"]])
    charged = instant(max(first["start_date"], first["trial_end"] or 0)).astimezone(zone)
    is_renewal = contract.get("Renews_Contract__c")
    if not is_renewal and contract["StartDate"] != charged.date().isoformat():
        yield "start_date"
    if subscription["cancel_at_period_end"]:
        return
    if plan and plan["status"] == "active":
        begun, over = (
            instant(plan["phases"][place][name])
            for place, name in ((0, "start_date"), (-1, "end_date"))
        )
        after = over.astimezone(zone).date()
        if begun.time() == over.time():
            after = begun.astimezone(zone).date() + (over - begun)
        if contract["EndDate"] != (after - timedelta(days=1)).isoformat():
            yield "end_date"
    goes_on = plan is None or plan["end_behavior"] == "release"
    if contract["Auto_Renew__c"] != goes_on:
        yield "is_auto_renewed"


def _tiered(books: Books, line, quantity, items, subscription_id):
    """A line that is sold by tiers: the same units, and the same sum over the tiers."""
    sku = books.crm_products[line["Product__c"]]["ProductCode"]
    if [item["quantity"] for item in items] != [quantity]:
        yield Row("SUB-QTY-01", f"quantity:{sku}", line["Contract__c"], subscription_id)
    entry = next(
        entry
        for entry in books.entries
        if entry["Product2Id"] == line["Product__c"]
        and entry["CurrencyIsoCode"] == line["CurrencyIsoCode"]
    )
    digits = 0 if line["CurrencyIsoCode"] == "JPY" else 2
    listed = [
        (tier["up_to"], Decimal(tier["unit_price"]).scaleb(digits))
        for tier in json.loads(entry["Tiers__c"])
    ]
    billed = [
        (tier["up_to"], Decimal(tier["unit_amount_decimal"])) for tier in items[0]["price"]["tiers"]
    ]
    if _sum_of(listed, quantity) != _sum_of(billed, quantity):
        name = f"mrr_at_contract_quantity:{sku}"
        yield Row("CON-AMT-01", name, line["Contract__c"], subscription_id)


def _sum_of(tiers, quantity) -> Decimal:
    below, total = 0, Decimal(0)
    for up_to, unit in tiers:
        top = min(up_to or quantity, quantity)
        total += unit * max(top - below, 0)
        below = max(top, below)
    return total


def subscriptions(books: Books, clusters: Clusters):
    for copy in books.crm_subscriptions:
        subscription = books.subscriptions[copy["Stripe_Subscription_Id__c"]]
        trial = subscription["trial_end"]
        ended = trial if trial and trial <= books.now.timestamp() else None
        stamps = (subscription["created"], subscription["ended_at"], subscription["canceled_at"])
        state = copy["Status__c"].lower().replace(" ", "_")
        if books.age(*stamps, ended) > HOURS_SYNC and state != billing_state(subscription):
            yield Row("SUB-STAT-01", "status", subscription["id"], copy["Id"])
