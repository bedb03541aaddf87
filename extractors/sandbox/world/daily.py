"""What a day brings by chance: amendments, departures, pauses, renamed customers, new ones."""

from collections.abc import Iterator
from random import Random

from extractors.sandbox.reference import TERM_DAYS, rates_of
from extractors.sandbox.world.contracts import billing_lag
from extractors.sandbox.world.deals import new_company, plan_company
from extractors.sandbox.world.moments import DAY, MINUTE, day_of, daytime, moment
from extractors.sandbox.world.state import Company, Subscribed, World

_AMENDED = 0.0022
_TERMINATED = {"sales_led": 0.00025, "self_serve": 0.0}
_CANCELLED = {"sales_led": 0.0001, "self_serve": 0.0009}
_PAUSED = 0.0003
_RENAMED = 0.05
_NEW_MAILBOX = 0.08
_NEW_TERMS = 0.04
_SERVICES = 0.15
_NEW_CUSTOMER = 0.3
_MAILBOXES = ("billing", "accounts", "ap", "invoices", "finance", "payables", "office")


def day(world: World, at: int) -> None:
    """Decide at 02:00 UTC what the day will bring; depends on the seed and the date alone."""
    today = day_of(at)
    rng = world.rng("day", today)
    for course, who in _settled(world, at):
        _course_of_day(world, at, course, who, rng)
    _company_matters(world, at, rng)
    for rate in rates_of(moment(at).date()):
        key = world.records.new_id("netsuite", "currencyrate")
        world.records.add("netsuite", "currencyrate", {"id": key, **rate}, at)
    if at >= world.facts.grows_from and rng.random() < _NEW_CUSTOMER:
        # a day at the weekend is moved to the Friday before it, which must not be over
        plan_company(world, new_company(world), at + 3 * DAY, at + 17 * DAY)
    world.schedule(at + DAY, "day")


def _settled(world: World, at: int) -> Iterator[tuple[Subscribed, Company]]:
    """Live subscriptions that are past their first month and not in the cast."""
    for course in world.facts.subscriptions.values():
        who = world.company(course.company)
        if course.is_live and at - course.anchor > 35 * DAY and not who.is_scripted:
            yield course, who


def _course_of_day(world: World, at: int, course: Subscribed, who: Company, rng: Random) -> None:
    amended, terminated, cancelled, paused = (rng.random() for _ in range(4))
    moment_of_day = at + rng.randrange(DAY)
    by_day = daytime(at + DAY // 4, rng)
    if who.channel == "sales_led" and amended < _AMENDED:
        lag = billing_lag(rng)
        world.schedule(moment_of_day, "amend", subscription=course.id, lag=lag)
    elif terminated < _TERMINATED[who.channel]:
        world.schedule(moment_of_day, "terminate", subscription=course.id)
    elif cancelled < _CANCELLED[who.channel]:
        world.schedule(moment_of_day, "request_cancel", subscription=course.id)
    elif who.channel == "sales_led" and who.pay_by == "card" and paused < _PAUSED:
        days = rng.randrange(30, 70)
        world.schedule(by_day, "pause", subscription=course.id, days=days)


def _company_matters(world: World, at: int, rng: Random) -> None:
    known = [who for who in world.facts.companies if who.erp_id and not who.is_scripted]
    sold = [who for who in known if who.account_id]
    for chance, pool, kind in (
        (_RENAMED, sold, "rename"),
        (_NEW_MAILBOX, known, "change_mailbox"),
        (_NEW_TERMS, sold, "change_terms"),
    ):
        picked = rng.random() < chance
        place, by_day = rng.random(), daytime(at + DAY // 4, rng)
        if picked and pool:
            who = pool[int(place * len(pool))]
            world.schedule(by_day, kind, company=who.number)
    if rng.random() < _SERVICES and sold:
        amount = rng.randrange(90_000, 1_900_000)
        who = rng.choice(sold)
        world.schedule(at + rng.randrange(DAY), "bill_services", company=who.number, amount=amount)


def _may_change(world: World, who: Company) -> bool:
    return not (world.is_frozen("company", who.number) or world.is_frozen("attributes", who.number))


def rename(world: World, at: int, company: int) -> None:
    """The customer takes a new legal name: first in the CRM, hours later everywhere."""
    who = world.company(company)
    if not _may_change(world, who):
        return
    assert who.account_id is not None
    name = world.records.need("salesforce", "Account", who.account_id)["Name"]
    words = [word for word in name.split(" ") if word != "Global"]
    new = " ".join([*words[:2], "Global", *words[2:]])
    if new == name:
        return
    world.records.edit("Account", who.account_id, at, Name=new)
    world.schedule(at + 40 * MINUTE, "copy_name", company=company, name=new)


def copy_name(world: World, at: int, company: int, name: str) -> None:
    who = world.company(company)
    if _may_change(world, who):
        for customer in who.customers.values():
            world.records.change("stripe", "customer", customer, at, name=name)
        assert who.erp_id is not None
        world.records.change("netsuite", "customer", who.erp_id, at, companyname=name)


def change_mailbox(world: World, at: int, company: int) -> None:
    """The customer enters another address for invoices in the billing portal."""
    who = world.company(company)
    if not _may_change(world, who):
        return
    mailbox = world.rng("mailbox", company, at).choice(_MAILBOXES)
    email = f"{mailbox}@{who.domain}"
    for customer in who.customers.values():
        world.records.change("stripe", "customer", customer, at, email=email)
    world.schedule(at + 65 * MINUTE, "copy_mailbox", company=company, email=email)


def copy_mailbox(world: World, at: int, company: int, email: str) -> None:
    who = world.company(company)
    if not _may_change(world, who):
        return
    if who.account_id:
        world.records.change("salesforce", "Account", who.account_id, at, Invoice_Email__c=email)
    assert who.erp_id is not None
    world.records.change("netsuite", "customer", who.erp_id, at, email=email)


def change_terms(world: World, at: int, company: int) -> None:
    """Finance grants other payment terms; the CRM shows them two hours later."""
    who = world.company(company)
    if not _may_change(world, who):
        return
    days = world.rng("terms", company, at).choice([d for d in TERM_DAYS if d])
    who.terms = days
    assert who.erp_id is not None
    world.records.change("netsuite", "customer", who.erp_id, at, terms=TERM_DAYS[days])
    world.schedule(at + 100 * MINUTE, "copy_terms", company=company, days=days)


def copy_terms(world: World, at: int, company: int, days: int) -> None:
    who = world.company(company)
    if who.account_id and _may_change(world, who):
        world.records.change(
            "salesforce", "Account", who.account_id, at, Payment_Terms__c=f"Net {days}"
        )


def _of_company(world: World, company: int) -> Subscribed:
    """The first subscription of a company."""
    courses = world.facts.subscriptions.values()
    return next(course for course in courses if course.company == company)


def amend_company(world: World, at: int, company: int, lag: int) -> None:
    world.schedule(at, "amend", subscription=_of_company(world, company).id, lag=lag)


def terminate_company(world: World, at: int, company: int) -> None:
    world.schedule(at, "terminate", subscription=_of_company(world, company).id)


def cancel_company(world: World, at: int, company: int) -> None:
    world.schedule(at, "request_cancel", subscription=_of_company(world, company).id)


def pause_company(world: World, at: int, company: int, days: int) -> None:
    world.schedule(at, "pause", subscription=_of_company(world, company).id, days=days)
