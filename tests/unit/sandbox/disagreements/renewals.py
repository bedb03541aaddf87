"""Contracts at the end of a term, and whether their subscriptions go on."""

from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import Books, Clusters, instant
from tests.unit.sandbox.disagreements.common import (
    HOURS_BILLING,
    ZONES,
    Row,
    item_mrr,
    unit_mrr,
    whole,
)

PERIOD = timedelta(days=31)


def renewals(books: Books, clusters: Clusters):
    signed = {
        key: contract
        for key, contract in books.contracts.items()
        if contract["Status"] != "Draft"
        and books.opportunities[contract["Opportunity__c"]]["IsWon"]
    }
    followers = {contract["Renews_Contract__c"]: key for key, contract in signed.items()}
    for subscription_id, subscription in books.subscriptions.items():
        contract_id = subscription["metadata"].get("crm_contract_id")
        contract = signed.get(contract_id)
        if contract is None or not _executes(books, subscription):
            continue
        today = books.now.astimezone(ZoneInfo(ZONES[contract["Legal_Entity__c"]])).date()
        goes_on = (
            subscription["status"] != "canceled"
            and not subscription["cancel_at_period_end"]
            and not subscription["pause_collection"]
        )
        new = signed.get(followers.get(contract_id))
        if new is not None:
            begun = books.age(new["StartDate"]) > HOURS_BILLING
            if goes_on and new["Status"] == "Activated" and begun:
                yield Row("CON-REN-01", "renewal", new["Id"], subscription_id)
                yield from _charged_as_before(books, new, subscription)
        elif _is_apart(books, contract, subscription, today, goes_on=goes_on):
            yield Row("CON-REN-01", "renewal", contract_id, subscription_id)


def _executes(books: Books, subscription) -> bool:
    """The first of the live subscriptions of a contract, or of all where none lives."""
    contract_id = subscription["metadata"]["crm_contract_id"]
    same = [
        each
        for each in books.subscriptions.values()
        if each["metadata"].get("crm_contract_id") == contract_id
    ]
    return subscription == min(same, key=lambda s: (s["status"] == "canceled", s["start_date"]))


def _is_apart(books: Books, contract, subscription, today: date, *, goes_on: bool) -> bool:
    last = date.fromisoformat(contract["EndDate"])
    if goes_on:
        if contract["Auto_Renew__c"] and contract["Status"] != "Cancelled":
            return False
        return last < today and books.age(last + timedelta(days=1)) > HOURS_BILLING
    if contract["Status"] != "Activated" or subscription["status"] != "canceled" or last < today:
        return False
    former = [
        date.fromisoformat(save["OldValue"][:10])
        for save in books.contract_saves[contract["Id"]]
        if save["Field"] == "EndDate" and save["OldValue"][:10] < contract["EndDate"]
    ]
    old = books.contracts.get(contract["Renews_Contract__c"])
    ends = former + ([date.fromisoformat(old["EndDate"])] if old else [])
    if not ends or books.age(subscription["ended_at"]) <= HOURS_BILLING:
        return False
    gone = instant(subscription["ended_at"]).date()
    return timedelta(days=-1) <= gone - max(ends) <= PERIOD


def _charged_as_before(books: Books, contract, subscription):
    """What the old terms come to beside the new ones."""
    for line in books.contract_lines:
        if line["Contract__c"] != contract["Id"] or line["Pricing_Model__c"]:
            continue
        sku = books.crm_products[line["Product__c"]]["ProductCode"]
        own = [
            item
            for item in subscription["items"]["data"]
            if books.products[item["price"]["product"]]["metadata"]["sku"] == sku
        ]
        months = 12 if line["Price_Period__c"] == "Year" else 1
        price = Decimal(line["Unit_Price__c"]).scaleb(0 if line["CurrencyIsoCode"] == "JPY" else 2)
        units = int(Decimal(line["Quantity__c"]))
        agreed = whole(unit_mrr(price, months, [line["Discount_Percent__c"]]) * units)
        billed = whole(sum(item_mrr(item) * item["quantity"] for item in own))
        if abs(agreed - billed) > len(own):
            name = f"mrr_at_contract_quantity:{sku}"
            yield Row("CON-AMT-01", name, contract["Id"], subscription["id"])
