"""What happens in the CRM after the signature: amendments, renewals, ends, billing's state.

A signed change is carried into billing up to forty hours later; the CRM's copy of a subscription's
status follows within three hours.
"""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from extractors.sandbox.amounts import decimal_text, rounded
from extractors.sandbox.reference import CURRENCIES
from extractors.sandbox.schema import to_text
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import (
    DAY,
    HOUR,
    add_months,
    copy_lag,
    daytime,
    moment,
    opening,
)
from extractors.sandbox.world.ramps import extend_schedule
from extractors.sandbox.world.rated import is_tiered_line
from extractors.sandbox.world.state import Subscribed, World

_RENEWAL_MONTHS = 12
_NOTICE_DAYS = 20
_RENEWED = 0.92
_UPLIFTED = 0.5
_REDUCED = 0.25
_SIGNED_ANEW = 0.35
_FIRST_NUMBER = 40
"""Renewals of companies below it, the cast and those near it, only move the end."""
_FEW = 8
_UPLIFT = Decimal("1.04")

_LABELS = {
    "trialing": "Trial",
    "active": "Active",
    "past_due": "Past Due",
    "canceled": "Cancelled",
}


def stamp(at: int) -> str:
    return to_text(moment(at), "salesforce")


def crm_status(subscription: Record) -> str:
    """The CRM's word for what Stripe says of a subscription."""
    if subscription["status"] in {"active", "past_due"} and subscription["pause_collection"]:
        return "Paused"
    return _LABELS[subscription["status"]]


def schedule_copy(world: World, at: int, subscription: str) -> None:
    """Let the CRM learn of a status change."""
    if world.facts.subscriptions[subscription].contract_id is not None:
        lag = copy_lag(at, world.rng("copy", subscription, at))
        world.schedule(at + lag, "copy_status", subscription=subscription)


def copy_status(world: World, at: int, subscription: str) -> None:
    """Bring the CRM's record of a subscription in step with billing, new if there is none."""
    course = world.facts.subscriptions[subscription]
    if world.is_frozen("subscription", subscription) or _company_frozen(world, course):
        return
    label = crm_status(world.records.need("stripe", "subscription", subscription))
    changed = {"Status__c": label, "Status_Changed_At__c": stamp(at)}
    if course.crm_id is None:
        course.crm_id = world.records.new_id("salesforce", "Subscription__c")
        fields = {
            "Id": course.crm_id,
            "Name": f"SUB-{world.count('crm_subscription'):06d}",
            "Account__c": world.company(course.company).account_id,
            "Contract__c": course.contract_id,
            "Stripe_Subscription_Id__c": subscription,
        }
        world.records.add("salesforce", "Subscription__c", fields | changed, at)
    elif world.records.need("salesforce", "Subscription__c", course.crm_id)["Status__c"] != label:
        world.records.change("salesforce", "Subscription__c", course.crm_id, at, **changed)


def _company_frozen(world: World, course: Subscribed) -> bool:
    return world.is_frozen("company", course.company)


def amend(world: World, at: int, subscription: str, lag: int) -> None:
    """The customer signs for more or fewer units of one product."""
    course = world.facts.subscriptions[subscription]
    if not course.is_live or world.is_frozen("subscription", subscription):
        return
    if course.contract_id is None or _company_frozen(world, course):
        return
    rng = world.rng("amend", subscription, at)
    lines = world.records.rows("salesforce", "Contract_Line__c", Contract__c=course.contract_id)
    items = world.records.need("stripe", "subscription", subscription)["items"]["data"]
    served = {item["metadata"]["crm_contract_line_id"] for item in items}
    amendable = [r for r in lines if Decimal(r["Quantity__c"]) > 1 and r["Id"] in served]
    if not amendable:
        return
    line = rng.choice(amendable)
    quantity = _amended(int(Decimal(line["Quantity__c"])), rng)
    fields = {"Quantity__c": str(quantity), "Effective_At__c": stamp(at)}
    world.records.edit("Contract_Line__c", line["Id"], at, **fields)
    world.schedule(at + lag, "sync_items", subscription=subscription)


def _amended(quantity: int, rng: Random) -> int:
    if rng.random() < _REDUCED and quantity > _FEW:
        return quantity - max(1, quantity * rng.randrange(5, 25) // 100)
    return quantity + max(1, quantity * rng.randrange(8, 45) // 100)


def billing_lag(rng: Random) -> int:
    """Seconds from a signed change to billing: an hour to forty."""
    return rng.randrange(HOUR, 40 * HOUR)


def schedule_term_end(world: World, contract: str, at: int) -> None:
    """Decide about the renewal three weeks before the contract ends."""
    ends = date.fromisoformat(world.records.need("salesforce", "Contract", contract)["EndDate"])
    notice = opening(ends - timedelta(days=_NOTICE_DAYS))
    rng = world.rng("term_end", contract, ends)
    world.schedule(max(daytime(notice, rng), at + DAY), "term_end", contract=contract)


def term_end(world: World, at: int, contract: str) -> None:
    """The contract renews for a year, half of them at a higher price, or is let go."""
    signed = world.records.need("salesforce", "Contract", contract)
    course = course_of(world, contract)
    if course is None or not course.is_live or signed["Status"] != "Activated":
        return
    if world.is_frozen("subscription", course.id) or _company_frozen(world, course):
        return
    rng = world.rng("renewal", contract, at)
    if rng.random() >= _RENEWED:
        world.schedule(at, "request_cancel", subscription=course.id)
        return
    if _is_signed_anew(world, contract, course):
        world.schedule(at, "renew_by_contract", contract=contract, subscription=course.id)
        return
    ends = add_months(date.fromisoformat(signed["EndDate"]) + timedelta(days=1), _RENEWAL_MONTHS)
    last_day = (ends - timedelta(days=1)).isoformat()
    term = int(signed["ContractTerm"]) + _RENEWAL_MONTHS
    world.records.edit("Contract", contract, at, EndDate=last_day, ContractTerm=term)
    is_dearer = rng.random() < _UPLIFTED
    for line in list(world.records.rows("salesforce", "Contract_Line__c", Contract__c=contract)):
        if line["End_Date__c"] != signed["EndDate"]:
            continue
        fields = {"End_Date__c": last_day}
        if is_dearer and not is_tiered_line(line):
            fields |= {"Unit_Price__c": _dearer(line), "Effective_At__c": stamp(at)}
        world.records.edit("Contract_Line__c", line["Id"], at, **fields)
    if is_dearer:
        world.schedule(at + billing_lag(rng), "sync_items", subscription=course.id)
    extend_schedule(world, at, course, _RENEWAL_MONTHS)
    schedule_term_end(world, contract, at)


def _is_signed_anew(world: World, contract: str, course: Subscribed) -> bool:
    """Whether the renewal is a contract of its own; plans of phases are prolonged instead."""
    record = world.records.need("stripe", "subscription", course.id)
    is_plain = course.company >= _FIRST_NUMBER and not record.get("schedule")
    return is_plain and world.rng("new_contract", contract).random() < _SIGNED_ANEW


def _dearer(line: Record) -> str:
    precision = CURRENCIES[line["CurrencyIsoCode"]].precision
    minor = rounded(Decimal(line["Unit_Price__c"]).scaleb(precision) * _UPLIFT)
    return decimal_text(minor, precision)


def course_of(world: World, contract: str) -> Subscribed | None:
    courses = world.facts.subscriptions.values()
    return next((course for course in courses if course.contract_id == contract), None)


def close_contract(world: World, at: int, contract: str) -> None:
    """Sales notes that a contract is over, once billing has stopped."""
    ends = date.fromisoformat(world.records.need("salesforce", "Contract", contract)["EndDate"])
    left = (ends - moment(at).date()).days
    status = "Cancelled" if left > _NOTICE_DAYS else "Expired"
    world.records.edit("Contract", contract, at, Status=status)
