"""Who becomes a customer, of what, at what price and when."""

from dataclasses import asdict
from datetime import date, timedelta
from random import Random

from extractors.sandbox.reference import LEGAL_ENTITIES, PRODUCT_BY_SKU
from extractors.sandbox.world.add_ons import plan_add_on
from extractors.sandbox.world.metered import with_usage
from extractors.sandbox.world.moments import (
    DAY,
    HOUR,
    MINUTE,
    business_hour,
    day_of,
    daytime,
    opening,
)
from extractors.sandbox.world.names import identity
from extractors.sandbox.world.ramps import ramped
from extractors.sandbox.world.rated import with_tiers
from extractors.sandbox.world.renewals import plan_slip
from extractors.sandbox.world.state import Channel, Company, Deal, PayBy, SoldLine, World

# Twenty companies: 9 US, 5 UK, 4 DE, 2 JP; every fifth buys by itself on the web.
_ENTITIES = ("US", "UK", "DE", "US", "US", "JP", "US", "UK", "DE", "US",
             "UK", "US", "DE", "US", "UK", "US", "JP", "UK", "DE", "US")  # fmt: skip
_SELF_SERVE_EVERY = 5
_EURO_IN_UK_EVERY = 60

_SEATS = ((5, 20), (5, 20), (20, 80), (20, 80), (80, 250))
_DISCOUNTS = ("0", "0", "0", "5", "10", "12.5", "15", "20")
_TERMS = (12, 12, 12, 12, 12, 12, 12, 24, 24, 36)
_NET_DAYS = (30, 30, 30, 30, 30, 30, 15, 45, 60)
_ADDONS = ("ANLT", "FCST", "SSO", "AUDT", "TRNG", "SNDB", "APIX", "WARE", "RESI")
_TRIAL_DAYS = 14
_FEW_SEATS, _MANY_SEATS = 15, 70
_YEARLY_PRICE = {1: 0.12, 12: 0.6}
"""Share of deals priced per year, by the months between invoices."""
_LIKELY = {
    "second_deal": 0.2,
    "web_annual": 0.08,
    "web_trial": 0.3,
    "annual": 0.18,
    "support": 0.3,
    "split": 0.04,
    "list_price": 0.8,
}
"""How likely each turn of a deal is."""


def entity_of(number: int) -> str:
    return _ENTITIES[number % len(_ENTITIES)]


def channel_of(number: int) -> Channel:
    return "self_serve" if number % _SELF_SERVE_EVERY == _SELF_SERVE_EVERY - 1 else "sales_led"


def new_company(
    world: World,
    *,
    entity: str | None = None,
    channel: Channel | None = None,
    currency: str | None = None,
    pay_by: PayBy | None = None,
) -> Company:
    """Add the next company; what is not given follows from its number and chance."""
    number = len(world.facts.companies)
    rng = world.rng("company", number)
    entity = entity or entity_of(number)
    channel = channel or channel_of(number)
    paper = identity(entity, 2 * number, world.facts.seed % 977, rng)
    has_tax_id = rng.random() < (0.5 if channel == "self_serve" else 0.8) or entity != "US"
    usual = LEGAL_ENTITIES[entity].currency
    in_euro = entity == "UK" and channel == "sales_led" and number % _EURO_IN_UK_EVERY == 1
    chance_pay = _pay_by(entity, channel, rng)
    company = Company(
        **{**paper._asdict(), "tax_id": paper.tax_id if has_tax_id else None},
        number=number,
        entity=entity,
        channel=channel,
        currency=currency or ("EUR" if in_euro else usual),
        pay_by=pay_by or chance_pay,
        terms=0 if channel == "self_serve" else rng.choice(_NET_DAYS),
    )
    world.facts.companies.append(company)
    return company


def _pay_by(entity: str, channel: Channel, rng: Random) -> PayBy:
    if channel == "self_serve":
        return "card"
    choices: tuple[PayBy, ...] = ("card", "card", "transfer", "transfer", "wire")
    return rng.choice(choices[2:] if entity == "JP" else choices)


def plan_company(world: World, company: Company, first: int, last: int) -> None:
    """Let a company become a customer at some time between two instants."""
    rng = world.rng("plan", company.number)
    day = day_of(first) + timedelta(days=rng.randrange(max((last - first) // DAY, 1)))
    at = business_hour(_weekday(day), company.legal_entity.timezone, rng)
    if company.channel == "self_serve":
        sign_up(world, company, at, rng)
        return
    deal = with_tiers(world, ramped(world, chance_deal(company, at, rng)))
    plan_add_on(world, deal)
    plan_slip(world, deal)
    lead(world, company, max(at - rng.randrange(5, 40) * DAY, opening(day_of(first))))
    world.schedule(at, "sign", deal=asdict(deal))
    if rng.random() < _LIKELY["second_deal"]:
        later = at + rng.randrange(60, 300) * DAY
        world.schedule(later, "sign", deal=asdict(chance_deal(company, later, rng)))


def _weekday(day: date) -> date:
    return day - timedelta(days=max(day.weekday() - 4, 0))


def lead(world: World, company: Company, at: int) -> None:
    world.schedule(at, "lead", company=company.number)


def sign_up(
    world: World, company: Company, at: int, rng: Random, *, on_trial: bool | None = None
) -> None:
    """A self-serve purchase: straight into billing, some with a trial."""
    line = SoldLine("PLAT-TEAM", rng.randrange(2, 16), _list_price("PLAT-TEAM", company.currency))
    interval = 12 if rng.random() < _LIKELY["web_annual"] else 1
    trial = rng.random() < _LIKELY["web_trial"] if on_trial is None else on_trial
    until = daytime(at + _TRIAL_DAYS * DAY, rng) if trial else None
    deal = Deal(company.number, company.currency, interval, 0, [line], at, at, at, until)
    deal = with_usage(deal)
    world.schedule(deal.starts_at, "provision", deal=asdict(deal))


def chance_deal(company: Company, at: int, rng: Random) -> Deal:
    """What a sales-led company signs at `at`; billing has it one to 38 hours later."""
    interval = 12 if rng.random() < _LIKELY["annual"] else 1
    provision_at = at + rng.randrange(HOUR, 38 * HOUR)
    return Deal(
        company=company.number,
        currency=company.currency,
        interval=interval,
        term=rng.choice(_TERMS),
        lines=chance_lines(company.currency, interval, rng),
        signed_at=at,
        starts_at=provision_at,
        provision_at=provision_at,
    )


def chance_lines(currency: str, interval: int, rng: Random) -> list[SoldLine]:
    seats = rng.randrange(*rng.choice(_SEATS))
    tier = "TEAM" if seats < _FEW_SEATS else "BIZ" if seats < _MANY_SEATS else "ENT"
    skus = [f"PLAT-{tier}", *rng.sample(_ADDONS, rng.choice((0, 0, 1, 1, 2)))]
    if rng.random() < _LIKELY["support"]:
        skus.append(rng.choice(("SUP-STD", "SUP-PREM")))
    yearly = rng.random() < _YEARLY_PRICE[interval]
    discount = rng.choice(_DISCOUNTS)
    return [
        SoldLine(
            sku=sku,
            quantity=seats if PRODUCT_BY_SKU[sku].is_seat else 1,
            unit_minor=_negotiated(_list_price(sku, currency) * (10 if yearly else 1), rng),
            period="Year" if yearly else "Month",
            discount=discount,
            is_split=PRODUCT_BY_SKU[sku].is_seat and rng.random() < _LIKELY["split"],
        )
        for sku in skus
    ]


def _negotiated(unit_minor: int, rng: Random) -> int:
    return (
        unit_minor
        if rng.random() < _LIKELY["list_price"]
        else unit_minor * rng.randrange(85, 99) // 100
    )


def _list_price(sku: str, currency: str) -> int:
    return PRODUCT_BY_SKU[sku].monthly[currency]


def fixed_deal(
    company: Company,
    lines: list[SoldLine],
    at: int,
    *,
    interval: int = 1,
    currency: str | None = None,
    anchor_day: int | None = None,
) -> Deal:
    """A deal of two years that starts in billing exactly at `at`, signed the day before."""
    return Deal(
        company=company.number,
        currency=currency or company.currency,
        interval=interval,
        term=24,
        lines=lines,
        signed_at=at - 20 * HOUR - 7 * MINUTE,
        starts_at=at,
        provision_at=at,
        anchor_day=anchor_day,
    )


def platform(company: Company, quantity: int, currency: str | None = None) -> SoldLine:
    price = _list_price("PLAT-BIZ", currency or company.currency)
    return SoldLine("PLAT-BIZ", quantity, price)


def start_deal(world: World, company: Company, deal: Deal) -> None:
    """Put a fixed deal on the agenda, with the lead that came before it."""
    if not company.quirks.get("met"):
        company.quirks["met"] = 1
        lead(world, company, deal.signed_at - 9 * DAY)
    world.schedule(deal.signed_at, "sign", deal=asdict(deal))
