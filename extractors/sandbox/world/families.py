"""Corporate families: groups above customers, and customers that another one takes over.

Sales keeps the tree on its accounts; finance keeps it on its own customers, hours later. A company
of a family still signs, is billed and pays for itself.
"""

from extractors.sandbox.amounts import netsuite_time
from extractors.sandbox.reference import CURRENCIES, TERM_DAYS
from extractors.sandbox.tables import Record
from extractors.sandbox.world.moments import DAY, copy_lag, daytime, moment
from extractors.sandbox.world.state import Company, World

_TAKEN_OVER_EVERY = 23
_TAKEN_OVER_REST = 11
_FIRST_NUMBER = 40
"""Companies below it are the cast and those near it: nothing new happens to them."""
_BUYERS_BEFORE = 7
_GROUP_TERMS = 30
_AFTER_DAYS = (20, 120)


def join_family(world: World, at: int, who: Company) -> None:
    """Finance has just set up a customer and knows its parent; some are taken over later."""
    if who.account_id is None:
        return
    account = world.records.need("salesforce", "Account", who.account_id)
    if account["ParentId"]:
        group = world.records.need("salesforce", "Account", account["ParentId"])
        parent = group.get("NetSuite_Customer_Id__c") or _add_group(world, at, who, group)
        world.records.change("netsuite", "customer", str(who.erp_id), at, parent=parent)
    elif _is_taken_over(who):
        rng = world.rng("taken_over", who.number)
        world.schedule(
            daytime(at + rng.randrange(*_AFTER_DAYS) * DAY, rng), "take_over", company=who.number
        )


def _is_taken_over(who: Company) -> bool:
    rest = who.number % _TAKEN_OVER_EVERY
    return who.number >= _FIRST_NUMBER and rest == _TAKEN_OVER_REST


def _add_group(world: World, at: int, who: Company, group: Record) -> str:
    """The group's own record in the ERP, linked to its account; nothing is posted to it."""
    records = world.records
    internal = records.new_id("netsuite", "customer")
    fields = {
        "id": internal,
        "entityid": f"G{10_000 + who.number}",
        "companyname": group["Name"],
        "url": group["Website"],
        "subsidiary": who.legal_entity.subsidiary_id,
        "currency": CURRENCIES[who.currency].id,
        "terms": TERM_DAYS[_GROUP_TERMS],
        "isinactive": "F",
        "billcountry": who.country,
        "custentity_sfdc_id": group["Id"],
        "datecreated": netsuite_time(moment(at)),
    }
    records.add("netsuite", "customer", fields, at)
    known = {"NetSuite_Customer_Id__c": internal, "Payment_Terms__c": f"Net {_GROUP_TERMS}"}
    records.change("salesforce", "Account", group["Id"], at, **known)
    return internal


def take_over(world: World, at: int, company: int) -> None:
    """Another customer buys this one: sales moves the account below it, finance follows."""
    who = world.company(company)
    buyer = _buyer(world, company)
    if buyer is None or world.is_frozen("company", company) or who.account_id is None:
        return
    world.records.edit("Account", who.account_id, at, ParentId=buyer.account_id)
    lag = copy_lag(at, world.rng("copy_parent", company))
    world.schedule(at + lag, "copy_parent", company=company, parent=buyer.erp_id)


def _buyer(world: World, company: int) -> Company | None:
    """The nearest of the companies before it that stands alone and that both systems know."""
    for number in range(company - 1, company - 1 - _BUYERS_BEFORE, -1):
        other = world.company(number)
        if other.account_id and other.erp_id and not world.is_frozen("company", number):
            account = world.records.need("salesforce", "Account", other.account_id)
            if account["ParentId"] is None:
                return other
    return None


def copy_parent(world: World, at: int, company: int, parent: str) -> None:
    who = world.company(company)
    if not world.is_frozen("company", company):
        world.records.change("netsuite", "customer", str(who.erp_id), at, parent=parent)
