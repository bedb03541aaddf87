"""Renewals by a new contract, and slips of the pen.

Most contracts are renewed by moving their end. For some a new one is signed, with an opportunity of
its own, that takes over the subscription of the old one on its first day.
"""

from datetime import date, timedelta
from decimal import Decimal

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.reference import CURRENCIES
from extractors.sandbox.tables import Record
from extractors.sandbox.world.contracts import schedule_term_end, stamp
from extractors.sandbox.world.moments import (
    DAY,
    HOUR,
    MINUTE,
    YEAR_MONTHS,
    add_months,
    daytime,
    opening,
)
from extractors.sandbox.world.rated import is_tiered_line
from extractors.sandbox.world.state import Deal, World

_UPLIFTED = 0.5
_UPLIFT = Decimal("1.03")
_SLIPS = 0.06
_SLIP_AFTER_DAYS = (60, 200)
_SETTLED_DAYS = 3
_FIRST_NUMBER = 40
"""Companies below it are the cast and those near it: nothing new happens to them."""


def renew_by_contract(world: World, at: int, contract: str, subscription: str) -> None:
    """Sign a new contract for the year after the old one."""
    signed = world.records.need("salesforce", "Contract", contract)
    rng = world.rng("new_contract_terms", contract)
    factor = _UPLIFT if rng.random() < _UPLIFTED else Decimal(1)
    starts = date.fromisoformat(signed["EndDate"]) + timedelta(days=1)
    rows = world.records.rows("salesforce", "Contract_Line__c", Contract__c=signed["Id"])
    lines = [line for line in rows if line["End_Date__c"] == signed["EndDate"]]
    new = _add_contract(world, at, signed, starts)
    copies = {line["Id"]: _copy_line(world, at, line, new, factor)["Id"] for line in lines}
    begins = opening(starts) + rng.randrange(8, 16) * HOUR
    world.schedule(
        begins,
        "succeed",
        subscription=subscription,
        old=contract,
        new=new["Id"],
        lines=copies,
    )
    schedule_term_end(world, new["Id"], at)


def _add_contract(world: World, at: int, old: Record, starts: date) -> Record:
    records = world.records
    contract = records.new_id("salesforce", "Contract")
    opportunity = records.new_id("salesforce", "Opportunity")
    before = records.need("salesforce", "Opportunity", old["Opportunity__c"])
    won = {
        "Id": opportunity,
        "AccountId": old["AccountId"],
        "Name": f"{before['Name']} - Renewal",
        "StageName": "Closed Won",
        "Amount": before["Amount"],
        "CloseDate": stamp(at)[:10],
        "IsWon": True,
        "IsClosed": True,
        "ContractId": contract,
        "CurrencyIsoCode": old["CurrencyIsoCode"],
    }
    records.add("salesforce", "Opportunity", won, at)
    copied = ("AccountId", "Legal_Entity__c", "Billing_Frequency__c", "CurrencyIsoCode")
    fields = {name: old[name] for name in copied} | {
        "Id": contract,
        "ContractNumber": f"{world.count('contract'):08d}",
        "Opportunity__c": opportunity,
        "Status": "Activated",
        "StartDate": starts.isoformat(),
        "EndDate": (add_months(starts, YEAR_MONTHS) - timedelta(days=1)).isoformat(),
        "ContractTerm": YEAR_MONTHS,
        "ActivatedDate": stamp(at),
        "Auto_Renew__c": True,
        "Renews_Contract__c": old["Id"],
    }
    return records.add("salesforce", "Contract", fields, at)


def _copy_line(world: World, at: int, line: Record, contract: Record, factor: Decimal) -> Record:
    """A line of the old contract as the new one has it."""
    precision = CURRENCIES[line["CurrencyIsoCode"]].precision
    rate = Decimal(1) if is_tiered_line(line) else factor
    minor = rounded(Decimal(line["Unit_Price__c"]).scaleb(precision) * rate)
    copied = ("Product__c", "Quantity__c", "Price_Period__c", "Discount_Percent__c")
    model = {"Pricing_Model__c": line.get("Pricing_Model__c")}
    fields = (
        model
        | {name: line[name] for name in (*copied, "CurrencyIsoCode")}
        | {
            "Id": world.records.new_id("salesforce", "Contract_Line__c"),
            "Contract__c": contract["Id"],
            "Unit_Price__c": decimal_text(minor, precision),
            "Start_Date__c": contract["StartDate"],
            "End_Date__c": contract["EndDate"],
            "Effective_At__c": stamp(at),
        }
    )
    return world.records.add("salesforce", "Contract_Line__c", fields, at)


def succeed(
    world: World, at: int, *, subscription: str, old: str, new: str, lines: dict[str, str]
) -> None:
    """The new contract begins: it has the subscription from now on, and the old one is over."""
    course = world.facts.subscriptions[subscription]
    if not course.is_live:
        world.records.edit("Contract", new, at, Status="Cancelled")
        return
    if world.is_frozen("subscription", subscription) or world.is_frozen("company", course.company):
        return
    records = world.records
    record = records.need("stripe", "subscription", subscription)
    items = [
        item | {"metadata": {"crm_contract_line_id": lines[item["metadata"][_LINE]]}}
        for item in record["items"]["data"]
    ]
    contract = records.need("salesforce", "Contract", new)
    opportunity = contract["Opportunity__c"]
    metadata = record["metadata"] | {
        "crm_contract_id": new,
        "crm_opportunity_id": opportunity,
        "q2c_correlation_id": f"q2c_{opportunity}",
    }
    listed = record["items"] | {"data": items}
    records.change("stripe", "subscription", subscription, at, items=listed, metadata=metadata)
    course.contract_id = new
    records.edit("Contract", old, at, Status="Expired")
    if course.crm_id is not None:
        records.change("salesforce", "Subscription__c", course.crm_id, at, Contract__c=new)
    world.schedule(at + MINUTE, "sync_items", subscription=subscription)


_LINE = "crm_contract_line_id"


def plan_slip(world: World, deal: Deal) -> None:
    """On some contracts a clerk will type a wrong price, and take it back within the hour."""
    rng = world.rng("slip", deal.company)
    if deal.company < _FIRST_NUMBER or rng.random() >= _SLIPS:
        return
    at = daytime(deal.signed_at + rng.randrange(*_SLIP_AFTER_DAYS) * DAY, rng)
    world.schedule(at, "slip", company=deal.company)


def slip(world: World, at: int, company: int) -> None:
    """An edit that nobody signed: the price is ten times too high."""
    courses = world.facts.subscriptions.values()
    course = next((c for c in courses if c.company == company and c.contract_id), None)
    if course is None or not course.is_live or world.is_frozen("company", company):
        return
    if world.is_frozen("subscription", course.id):
        return
    rows = world.records.rows("salesforce", "Contract_Line__c", Contract__c=course.contract_id)
    line = next(iter(rows))
    if line["Effective_At__c"] > stamp(at - _SETTLED_DAYS * DAY):
        return
    right = line["Unit_Price__c"]
    wrong = format(Decimal(right) * 10, "f")
    world.records.edit("Contract_Line__c", line["Id"], at, Unit_Price__c=wrong)
    world.schedule(at + 25 * MINUTE, "take_back", line=line["Id"], right=right)


def take_back(world: World, at: int, line: str, right: str) -> None:
    world.records.edit("Contract_Line__c", line, at, Unit_Price__c=right)
