"""What the CRM shows of an account's recurring revenue against what it has signed."""

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.unit.sandbox.books import Books, Clusters
from tests.unit.sandbox.disagreements.common import ZONES, Row

_DAY = timedelta(days=1)


def annual_values(books: Books, clusters: Clusters):
    """All that is signed, before discounts, of accounts that sign in their own currency."""
    signed, by_contract = defaultdict(list), defaultdict(list)
    for contract in books.contracts.values():
        signed[contract["AccountId"]].append(contract)
    for line in books.contract_lines:
        by_contract[line["Contract__c"]].append(line)
    for account_id, contracts in signed.items():
        account = books.accounts.get(account_id)
        active = [contract for contract in contracts if contract["Status"] == "Activated"]
        lines = [line for contract in active for line in by_contract[contract["Id"]]]
        if account is None or {line["CurrencyIsoCode"] for line in lines} - {
            account["CurrencyIsoCode"]
        }:
            continue
        value = sum(
            _yearly(line)
            for contract in active
            for line in by_contract[contract["Id"]]
            if _counts(books, contract, line, by_contract[contract["Id"]])
        )
        is_new = any(books.age(line["Effective_At__c"]) < _DAY for line in lines)
        shown = account["ARR__c"]
        if not is_new and (shown is None or abs(Decimal(shown) - value) > Decimal("0.5")):
            yield Row("MRR-XSYS-01", "arr", account_id, None)


def _counts(books: Books, contract, line, lines) -> bool:
    """In force, or to come where nothing of the product is in force or comes before it."""
    today = books.now.astimezone(ZoneInfo(ZONES[contract["Legal_Entity__c"]])).date().isoformat()
    if line["End_Date__c"] < today:
        return False
    earlier = [
        other
        for other in lines
        if other["Product__c"] == line["Product__c"]
        and other["End_Date__c"] >= today
        and other["Start_Date__c"] < line["Start_Date__c"]
    ]
    return line["Start_Date__c"] <= today or not earlier


def _yearly(line) -> Decimal:
    months = {"Month": 12, "Year": 1}[line["Price_Period__c"]]
    return Decimal(line["Unit_Price__c"]) * Decimal(line["Quantity__c"]) * months
